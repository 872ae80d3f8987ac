"""What was measured: the engine, the model, the host and its GPUs, each with a digest that tells two apart."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from typing import Any

from edgectl.remote.bench.failure import RequestFailed
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.once import exchange
from edgectl.remote.bench.request import head
from edgectl.remote.bench.target import target_of

_LIMIT_S = 5.0
# Where engines say which they are: vLLM and SGLang, then llama.cpp.
_ENGINE_PATHS = ("/version", "/get_server_info", "/props")
# What says which weights are served; times and permissions of the entry change with every start.
_MODEL_FIELDS = ("id", "root", "parent", "owned_by", "max_model_len", "meta")
_ENGINE_FIELDS = ("version", "build_info", "model_path", "total_slots", "quantization", "tp_size", "dtype")


def environment(load: Load, model: str, power: dict[str, Any] | None) -> dict[str, Any]:
    """Return all of it; a part that nobody tells is None."""
    parts = {
        "engine": _engine(load),
        "model": _model(load, model),
        "host": host(),
        "gpus": _gpus(power),
        "driver_version": (power or {}).get("driver_version"),
    }
    return {**parts, "digests": {name: digest(part) for name, part in parts.items() if part is not None}}


def digest(part: Any) -> str:
    """Return the SHA-256 of its canonical JSON."""
    return hashlib.sha256(json.dumps(part, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def host(root: str = "") -> dict[str, Any]:
    """Return this host, as far as figures depend on it."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in _lines(f"{root}/proc/cpuinfo")
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    governor = _lines(f"{root}/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return {
        "kernel": platform.release(),
        "cpu": processor,
        "cores": os.cpu_count(),
        "governor": governor[0].strip() if governor else None,
    }


def _engine(load: Load) -> dict[str, Any] | None:
    target = target_of(load.url)
    for path in _ENGINE_PATHS:
        found = _json(load, target.beside(path))
        if isinstance(found, dict):
            said = {name: found[name] for name in _ENGINE_FIELDS if name in found}
            if said:
                return said
    return None


def _model(load: Load, model: str) -> dict[str, Any] | None:
    found = _json(load, target_of(load.url).models_path)
    entries = found.get("data") if isinstance(found, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("id") == model:
            return {name: entry[name] for name in _MODEL_FIELDS if name in entry}
    return None


def _gpus(power: dict[str, Any] | None) -> list[dict[str, Any]] | None:
    if power is None or "gpus" not in power:
        return None
    return [{name: gpu[name] for name in ("name", "uuid", "vbios", "power_limit_w")} for gpu in power["gpus"]]


def _json(load: Load, path: str) -> Any:
    target = target_of(load.url)
    try:
        return json.loads(exchange(target, head(target, load, "GET", path, {}), _LIMIT_S).body)
    except (RequestFailed, ValueError):
        return None


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.readlines()
    except OSError:
        return []
