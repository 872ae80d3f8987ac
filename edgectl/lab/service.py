"""A service for the lab's inventory: a real model of random weights, and the specification that deploys it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgectl.lab.model import write_model

_MODEL = "tiny.gguf"
_SPEC = """\
# Written by `edgectl lab up`. The model is real in form and random in content: it answers with nonsense.
name: chat
model:
  name: lab-tiny
  files:
    - source: file://{model}
      sha256: {sha256}
engine:
  kind: llama.cpp
  command: /usr/local/bin/edgectl-lab-engine
  args: {{parallel: 2}}
place: role=gpu
serve: {{port: {port}, front: none}}
gates: {{ready: 60s, smoke: Say hello.}}
rollout: {{canary: 1, waves: [50%, 100%]}}
"""


def write_service(services: Path, *, port: int = 8000, seed: int = 1) -> Path:
    """Write the model and its specification into an inventory's `services` folder; return the specification."""
    model = services / _MODEL
    write_model(model, seed)
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    spec = services / "chat.yaml"
    spec.write_text(_SPEC.format(model=_MODEL, sha256=sha256, port=port), encoding="utf-8")
    return spec
