"""Describe every GPU to container runtimes by the Container Device Interface, and prove that it took."""

from __future__ import annotations

import os
import re

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, List
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"
_KIND = "nvidia.com/gpu="
_QUERY = ["nvidia-smi", "--query-gpu=index,uuid,driver_version", "--format=csv,noheader"]
# The driver's libraries have its version in their names: a specification made for another one mounts what is gone.
_LIBRARY = re.compile(r"libcuda\.so\.(\d+\.[\d.]*\d)")
_DEADLINE_S = 120.0


@dataclass(frozen=True)
class Args:
    """Say where the specification is."""

    path: str = arg("/etc/cdi/nvidia.yaml", doc="The specification.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Write the specification anew where it lacks a GPU or is another driver's, and look again."""
    gpus = _gpus(context)
    if not gpus:
        said = "nvidia-smi names no GPU, so there is nothing to describe"
        return TaskResult(changed=True, msg=said) if context.check else failed(said)
    before = _wrong(args, gpus, context)
    values: dict[str, Any] = {"before": before, "devices": sorted(_devices(context))}
    if context.check or not before:
        return TaskResult(bool(before), values=values)
    os.makedirs(os.path.dirname(args.path), exist_ok=True)
    done = context.proc.run(["nvidia-ctk", "cdi", "generate", f"--output={args.path}"], timeout_s=_DEADLINE_S)
    wrong = _wrong(args, gpus, context)
    if done.rc != 0 or wrong:
        return failed(
            f"nvidia-ctk cdi generate ended with {done.rc}, and {wrong or 'nothing is wrong'}: {done.stderr.strip()}",
            **values,
        )
    return TaskResult(changed=True, values={**values, "devices": sorted(_devices(context))})


def _gpus(context: TaskContext) -> List[List[str]]:
    """Return index, UUID and driver of every GPU that answers."""
    done = context.proc.run(_QUERY, timeout_s=_DEADLINE_S)
    rows = [[word.strip() for word in line.split(",")] for line in done.stdout.splitlines()]
    return [row for row in rows if len(row) == len(("index", "uuid", "driver"))] if done.rc == 0 else []


def _devices(context: TaskContext) -> List[str]:
    """Return the names under which runtimes find GPUs; of a GPU that is split, its parts: 0:1."""
    done = context.proc.run(["nvidia-ctk", "cdi", "list"], timeout_s=_DEADLINE_S)
    words = done.stdout.split() if done.rc == 0 else []
    return [word[len(_KIND) :] for word in words if word.startswith(_KIND)]


def _wrong(args: Args, gpus: List[List[str]], context: TaskContext) -> str:
    """Return what is wrong with the specification, or an empty text."""
    text = (files.read(args.path) or b"").decode("utf-8", "replace")
    if not text:
        return f"there is no {args.path}"
    others = set(_LIBRARY.findall(text)) - {driver for _, _, driver in gpus}
    if others:
        return f"{args.path} is driver {', '.join(sorted(others))}'s, and {gpus[0][2]} runs"
    devices = _devices(context)
    wanted = {device.partition(":")[0] for device in devices}
    unnamed = [index for index, _, _ in gpus if index not in wanted]
    if unnamed or "all" not in wanted:
        return f"nvidia-ctk cdi list lacks GPU {', '.join(unnamed) or 'all'}"
    known = [device for device in devices if device.startswith("GPU-")]
    strange = [uuid for _, uuid, _ in gpus if known and uuid not in known]
    return f"nvidia-ctk cdi list lacks {', '.join(strange)}" if strange else ""
