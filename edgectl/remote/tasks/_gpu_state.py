"""What GPUs are set to, as nvidia-smi tells it; what a card does not have is None."""

from __future__ import annotations

import re

from edgectl.remote.lean import Any, Dict, List, NamedTuple, Optional, Tuple, Union
from edgectl.remote.proc import Proc

_FIELDS = (
    *("index", "persistence_mode", "power.limit", "power.min_limit", "power.max_limit"),
    *("ecc.mode.current", "ecc.mode.pending", "mig.mode.current", "mig.mode.pending"),
)
_GPU_LINE = re.compile(r"^GPU (\d+):")
_PART_LINE = re.compile(r"^\s+MIG (\S+)\s+Device")
_DEADLINE_S = 60.0


class Gpu(NamedTuple):
    """One GPU: `parts` are the profiles that it is split into."""

    number: str
    persistence: Optional[bool]
    power_limit_w: Optional[float]
    power_range_w: Tuple[float, float]
    ecc: Optional[bool]
    ecc_pending: Optional[bool]
    mig: Optional[bool]
    mig_pending: Optional[bool]
    parts: Tuple[str, ...]


def read(proc: Proc) -> Union[List[Gpu], str]:
    """Return every GPU, or why that cannot be told."""
    query = [f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits"]
    done = proc.run(["nvidia-smi", *query], timeout_s=_DEADLINE_S)
    rows = [[word.strip() for word in line.split(",")] for line in done.stdout.splitlines()]
    if done.rc != 0 or not rows or any(len(row) != len(_FIELDS) for row in rows):
        return f"nvidia-smi does not tell its settings: {(done.stdout or done.stderr).strip() or 'it names no GPU'}"
    is_split = any(row[7] == "Enabled" for row in rows)
    parts = _parts(proc) if is_split else {}
    return [_gpu(dict(zip(_FIELDS, row)), parts) for row in rows]


def _gpu(row: Dict[str, str], parts: Dict[str, List[str]]) -> Gpu:
    number = row["index"]
    return Gpu(
        number,
        _switch(row["persistence_mode"]),
        _watts(row["power.limit"]),
        (_watts(row["power.min_limit"]) or 0.0, _watts(row["power.max_limit"]) or 0.0),
        _switch(row["ecc.mode.current"]),
        _switch(row["ecc.mode.pending"]),
        _switch(row["mig.mode.current"]),
        _switch(row["mig.mode.pending"]),
        tuple(parts.get(number, ())),
    )


def _parts(proc: Proc) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {}
    index = ""
    for line in proc.run(["nvidia-smi", "-L"], timeout_s=_DEADLINE_S).stdout.splitlines():
        gpu, part = _GPU_LINE.match(line), _PART_LINE.match(line)
        if gpu:
            index = gpu.group(1)
        elif part:
            found.setdefault(index, []).append(part.group(1))
    return found


def _switch(said: str) -> Optional[bool]:
    known: Dict[str, Any] = {"Enabled": True, "Disabled": False}
    return known.get(said)


def _watts(said: str) -> Optional[float]:
    try:
        return float(said)
    except ValueError:
        return None
