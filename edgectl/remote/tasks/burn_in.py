"""Load every GPU at once and count what went wrong meanwhile: numbers, ECC, PCIe replays, throttling, Xids."""

from __future__ import annotations

import time

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.gpu import bounded
from edgectl.remote.gpu.collect import DEADLINE_S, KERNEL, collect
from edgectl.remote.lean import Any, Dict, List, Optional, Sequence, Tuple
from edgectl.remote.result import TaskResult
from edgectl.remote.tasks._acceptance import judged

REPEAT = "idempotent"
# Travels beside the runner, for hosts that have NVIDIA's library; the others do not import it.
NEEDS = ("pynvml",)
NAME = "burn-in"
# What must not have grown. A power cap of the software's is no fault: the load is meant to reach it.
COUNTERS = (
    "ecc_volatile_corrected",
    "ecc_volatile_uncorrected",
    "remapped_rows_corrected",
    "remapped_rows_uncorrected",
    "pcie_replays",
    "sw_thermal_slowdown_us",
    "hw_thermal_slowdown_us",
    "hw_power_brake_us",
    "hw_slowdown_us",
)
_LOOK_S = 10.0
_GRACE_S = 120.0


@dataclass(frozen=True)
class Args:
    """Say for how long."""

    seconds: float = arg(doc="How long the GPUs are loaded.")
    waived: list[str] = arg(factory=list, doc="Tests that somebody answers for if they are not passed.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Burn, and judge what was counted; a check burns nothing."""
    if context.check:
        return TaskResult(values={"tests": []})
    folders = (context.paths.run, context.paths.state)
    before = collect(DEADLINE_S, folders)
    errand = bounded.begin(lambda: _burnt(args.seconds))
    looks = _watched(args.seconds, folders)
    try:
        gpus = bounded.answer(errand, _GRACE_S)
    except (TimeoutError, ChildProcessError) as error:
        said = str(error).partition("CudaError: ")
        return judged([{"name": NAME, "value": said[2] or said[0], "passed": False}], args.waived)
    return judged([_test(args.seconds, gpus, before, collect(DEADLINE_S, folders), looks)], args.waived)


def _burnt(seconds: float) -> Any:
    from edgectl.remote.cuda.burn import burn

    return burn(seconds)


def _watched(seconds: float, folders: Sequence[str]) -> List[Dict[str, Any]]:
    """Look at the GPUs while they burn; return what they said."""
    until, looks = time.monotonic() + seconds, []
    while time.monotonic() < until:
        time.sleep(min(_LOOK_S, max(0.0, until - time.monotonic())))
        looks.append(collect(DEADLINE_S, folders))
    return looks


def _test(
    seconds: float,
    gpus: List[Dict[str, Any]],
    before: Dict[str, Any],
    after: Dict[str, Any],
    looks: List[Dict[str, Any]],
) -> Dict[str, Any]:
    wrong = sum(gpu["wrong"] for gpu in gpus)
    grown, untold = _grown(before, after)
    xids = _new_xids(before, after)
    bad = [f"{count} numbers came out wrong" for count in (wrong,) if count]
    bad += [f"{name} grew by {count}" for name, count in grown.items() if count]
    bad += [f"Xid {number}" for number in xids]
    if after["collector"] == KERNEL:
        bad.append("neither NVML nor nvidia-smi tells the counters")
    passes = sum(gpu["passes"] for gpu in gpus)
    said = f"{seconds:g} s, {passes:,} passes on {len(gpus)} GPUs"
    return {
        "name": NAME,
        "value": "; ".join([said, *(bad or ["nothing went wrong"])]),
        "threshold": "every counter as before",
        "source": "baseline",
        "grown": grown,
        "untold": untold,
        "xids": xids,
        "gpus": gpus,
        "hottest_c": _most(looks, "temperature_c"),
        "power_w": _most(looks, "power_w"),
        "passed": not bad,
    }


def _grown(before: Dict[str, Any], after: Dict[str, Any]) -> Tuple[Dict[str, int], List[str]]:
    """Return by how much each counter grew over all GPUs, and those that no GPU has."""
    earlier = {gpu["uuid"]: gpu for gpu in before["gpus"]}
    grown, untold = {}, []
    for name in COUNTERS:
        pairs = [(earlier.get(gpu["uuid"], {}).get(name), gpu[name]) for gpu in after["gpus"]]
        known = [now - then for then, now in pairs if then is not None and now is not None]
        if known:
            grown[name] = sum(known)
        else:
            untold.append(name)
    return grown, untold


def _new_xids(before: Dict[str, Any], after: Dict[str, Any]) -> List[int]:
    """Return the codes of the Xids that the kernel logged meanwhile; the log is told folded by code and place."""
    counted = {_place(xid): xid["count"] for xid in before["xids"]}
    return [xid["code"] for xid in after["xids"] if xid["count"] > counted.get(_place(xid), 0)]


def _place(xid: Dict[str, Any]) -> Any:
    return tuple(xid[name] for name in ("code", "pci_bus_id", "gpu_instance", "compute_instance"))


def _most(looks: List[Dict[str, Any]], name: str) -> Optional[float]:
    found = [gpu[name] for look in looks for gpu in look["gpus"] if gpu[name] is not None]
    return max(found) if found else None
