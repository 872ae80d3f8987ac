"""A release is what a specification means, named by its digest: the same input is the same release. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_care import Swap
from edgectl.ops.deploy.units import render_unit

_DIGITS = 10
_APART, _PORTS = 10_000, 65_535


def release_id(spec: ServiceSpec) -> str:
    """Return the release's name: what runs, not where or how carefully it is put there."""
    meaning = {
        "name": spec.name,
        "model": spec.model.name,
        "files": sorted([file.file_name, file.sha256] for file in spec.model.files),
        "unit": render_unit(spec, address="ADDRESS", release="RELEASE"),
    }
    digest = hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()
    return f"r-{digest[:_DIGITS]}"


def release_vars(spec: ServiceSpec, address: str, neighbours: Sequence[str] = ()) -> dict[str, Any]:
    """Return what the playbook needs to know about a release on one host.

    `neighbours` are the addresses of hosts that serve it while this one cannot.
    """
    release, smoke = release_id(spec), spec.gates.smoke
    return {
        "service": spec.name,
        "release": release,
        "model_name": spec.model.name,
        "model_files": [{"name": file.file_name, "sha256": file.sha256} for file in spec.model.files],
        "unit": render_unit(spec, address=address, release=release),
        "front": spec.serve.front.value,
        "listen": f"{address}:{spec.serve.port}",
        "slot_ports": slot_ports(spec.serve.port),
        "neighbours": [f"{neighbour}:{spec.serve.port}" for neighbour in neighbours],
        "paths": spec.serve.paths,
        "how": how_to_swap(spec.strategy.swap).value,
        "drain_s": spec.strategy.drain,
        "base_url": f"http://{address}:{spec.serve.port}",
        "ready_timeout_s": spec.gates.ready,
        "prompts": [prompt.model_dump() for prompt in smoke.asked],
        "smoke_tokens": smoke.tokens,
        "smoke_stream": smoke.stream,
        "keep": spec.keep,
    }


def slot_ports(port: int) -> list[int]:
    """Return the loopback ports of a service's two slots: 10,000 above its own, or below where none is."""
    first = port + _APART if port + _APART < _PORTS else port - _APART
    return [first, first + 1]


def how_to_swap(swap: Swap) -> Swap:
    """Return how a host goes over: side by side unless it is said otherwise, since that touches nothing that serves."""
    return Swap.SIDE_BY_SIDE if swap is Swap.AUTO else swap
