"""A release is what a specification means, named by its digest: the same input is the same release. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.units import render_unit

_DIGITS = 10


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


def release_vars(spec: ServiceSpec, address: str) -> dict[str, Any]:
    """Return what the playbook needs to know about a release on one host."""
    release = release_id(spec)
    return {
        "service": spec.name,
        "release": release,
        "model_name": spec.model.name,
        "model_files": [{"name": file.file_name, "sha256": file.sha256} for file in spec.model.files],
        "unit": render_unit(spec, address=address, release=release),
        "base_url": f"http://{address}:{spec.serve.port}",
        "ready_timeout_s": spec.gates.ready,
        "smoke_prompt": spec.gates.smoke.prompt,
        "smoke_tokens": spec.gates.smoke.tokens,
        "keep": spec.keep,
    }
