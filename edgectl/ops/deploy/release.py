"""A release is what a specification means, named by its digest: the same input is the same release. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from edgectl.catalog.engines import ENGINES, known_skus
from edgectl.ops.deploy.adapters import adapters_of, folder_name, loader_of, without_adapters
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_care import Swap
from edgectl.ops.deploy.spec_logins import login_for
from edgectl.ops.deploy.spec_sources import Contents, ModelFile
from edgectl.ops.deploy.units import render_unit, unit_at
from edgectl.remote.tasks._engine_at import SECRETS

_DIGITS = 10
_APART, _PORTS = 10_000, 65_535


def release_id(spec: ServiceSpec) -> str:
    """Return the release's name: what runs, not where or how carefully it is put there."""
    return f"r-{_digest(_meaning(spec))[:_DIGITS]}"


def base_of(spec: ServiceSpec) -> str:
    """Return what names the engine and its model whichever adapters it has; '' where it takes none while it runs.

    Two releases of one base differ in nothing but adapters.
    """
    return _digest(_meaning(without_adapters(spec)))[:_DIGITS] if loader_of(spec) else ""


def _meaning(spec: ServiceSpec) -> dict[str, Any]:
    skus = sorted(spec.gpus.sku) or ["", *known_skus()]
    return {
        "name": spec.name,
        "model": spec.model.name,
        "files": _named(spec.model),
        "lora": sorted([one.name, _named(one)] for one in spec.model.lora),
        "gpus": spec.gpus.model_dump(mode="json", exclude={"sku"}, exclude_defaults=True),
        "secrets": sorted(spec.secrets),
        "units": [render_unit(spec, address="ADDRESS", release="RELEASE", sku=sku) for sku in skus],
    }


def model_digest(spec: ServiceSpec) -> str:
    """Return what names the model itself: its files."""
    return _digest(_named(spec.model))


def engine_digest(spec: ServiceSpec) -> str:
    """Return what names the engine itself: its image, else its program on the node."""
    return spec.engine.image or f"{spec.engine.kind}:{spec.engine.command}"


def _named(contents: Contents) -> list[list[str | None]]:
    return sorted([file.file_name, file.sha256] for file in contents.files)


def _digest(meaning: Any) -> str:
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def release_vars(
    spec: ServiceSpec,
    address: str,
    neighbours: Sequence[str] = (),
    sku: str = "",
    how: Swap = Swap.SIDE_BY_SIDE,
    gpus: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what the playbook needs to know about a release on one host with such GPUs.

    `neighbours` are the addresses of hosts that serve it while this one cannot; `gpus` are the numbers of those it
    gets there, by default the first ones.
    """
    release, smoke = release_id(spec), spec.gates.smoke
    return {
        "service": spec.name,
        "release": release,
        "model_name": spec.model.name,
        "model_files": list(_laid_out(spec)),
        "has_secrets": bool(spec.secrets),
        "key": key_of(spec),
        "secrets_path": SECRETS.format(service=spec.name),
        "unit": unit_at(spec, address=address, release=release, sku=sku, gpus=gpus),
        "gpus": list(gpus or spec.gpus.uuid),
        "adapters": list(adapters_of(spec)),
        "adapters_by": loader_of(spec),
        "base": base_of(spec),
        "front": spec.serve.front.value,
        "listen": f"{address}:{spec.serve.port}",
        "slot_ports": slot_ports(spec.serve.port),
        "neighbours": [f"{neighbour}:{spec.serve.port}" for neighbour in neighbours],
        "paths": spec.serve.paths,
        "how": how.value,
        "drain_s": spec.strategy.drain,
        "base_url": f"http://{address}:{spec.serve.port}",
        "ready_timeout_s": spec.gates.ready,
        "prompts": [prompt.model_dump() for prompt in smoke.asked],
        "smoke_tokens": smoke.tokens,
        "smoke_stream": smoke.stream,
        "keep": spec.keep,
    }


def key_of(spec: ServiceSpec) -> str:
    """Return which of a specification's secrets is the key that its engine wants of every request; '' for none."""
    name = ENGINES[spec.engine.kind.value].key
    return name if name in spec.secrets else ""


def files_of(spec: ServiceSpec) -> Sequence[ModelFile]:
    """Return every file that a release needs: the model's, and its adapters'."""
    return [file for contents in (spec.model, *spec.model.lora) for file in contents.files]


def logins_of(spec: ServiceSpec) -> list[tuple[ModelFile, str]]:
    """Return every such file with the login that its origin is asked with, '' for none."""
    return [
        (file, login_for(spec.logins, file.asked or contents.source or file.source))
        for contents in (spec.model, *spec.model.lora)
        for file in contents.files
    ]


def _laid_out(spec: ServiceSpec) -> Iterator[dict[str, str | None]]:
    """Yield each file with its place: model/NAME in the release's folder, or adapters/ADAPTER/NAME beside it."""
    folders = {"model": spec.model, **{f"adapters/{folder_name(one)}": one for one in spec.model.lora}}
    for folder, contents in folders.items():
        for file in contents.files:
            yield {"name": file.file_name, "sha256": file.sha256, "folder": folder}


def slot_ports(port: int) -> list[int]:
    """Return the loopback ports of a service's two slots: 10,000 above its own, or below where none is."""
    first = port + _APART if port + _APART < _PORTS else port - _APART
    return [first, first + 1]
