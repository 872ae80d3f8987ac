"""Settings of every GPU: persistence, power limit, ECC, MIG; what holds now told apart from what waits for a reset."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _gpu_state
from edgectl.remote.tasks._gpu_state import Gpu

REPEAT = "idempotent"
_DEADLINE_S = 120.0


@dataclass(frozen=True)
class Args:
    """What every GPU should be set to; what is not named is left alone."""

    persistence: bool | None = arg(None, doc="Keep the driver's state while nobody uses the GPU.")
    power_limit_w: int | None = arg(None, doc="Power limit in watts; gone with the boot.")
    ecc: bool | None = arg(None, doc="Error correction; it changes with the next reset.")
    mig: list[str] | None = arg(None, doc="Profiles to split each GPU into, such as 1g.24gb; [] for whole.")
    gpus: int | None = arg(None, doc="How many GPUs must answer.")


class _Step(NamedTuple):
    """One call of nvidia-smi, and what it is for."""

    what: str
    words: Tuple[str, ...]


def run(args: Args, context: TaskContext) -> TaskResult:
    """Set what differs and read it again; `reset_due` names the GPUs where something waits for a reset or a boot."""
    before = _gpu_state.read(context.proc)
    problem = before if isinstance(before, str) else _impossible(args, before)
    if isinstance(before, str) or problem:
        return failed(str(problem))
    steps = _all_steps(args, before)
    if context.check or not steps:
        return TaskResult(bool(steps), values=_values(_due(args, before), steps))
    said = [_taken(step, context) for step in steps]
    after = _gpu_state.read(context.proc)
    # A GPU that is split only now can be split into something: that is a step which could not be told before.
    later = [] if isinstance(after, str) else [one for one in _all_steps(args, after) if one not in steps]
    said += [_taken(step, context) for step in later]
    after = _gpu_state.read(context.proc)
    if isinstance(after, str):
        return failed(after)
    left = _all_steps(args, after)
    values = _values(_due(args, after), steps + later)
    if left:
        told = "; ".join(dict.fromkeys(text for text in said if text)) or "nvidia-smi said it did"
        return failed(f"still to do: {'; '.join(step.what for step in left)} ({told})", **values)
    return TaskResult(changed=True, values=values)


def _all_steps(args: Args, gpus: List[Gpu]) -> List[_Step]:
    return [step for gpu in gpus for step in _steps(args, gpu)]


def _values(due: List[str], steps: List[_Step]) -> Dict[str, Any]:
    return {"reset_due": due, "reboot_due": bool(due), "changes": [step.what for step in steps]}


def _impossible(args: Args, gpus: List[Gpu]) -> str:
    """Return why no GPU here can be so, or an empty text."""
    if args.gpus is not None and len(gpus) != args.gpus:
        return f"{len(gpus)} GPUs answer, {args.gpus} should"
    for gpu in gpus:
        low, high = gpu.power_range_w
        limit = args.power_limit_w
        if limit is not None and not low <= limit <= high:
            return f"GPU {gpu.number} takes {low:g} to {high:g} W, not {limit}"
        if args.ecc is not None and gpu.ecc is None:
            return f"GPU {gpu.number} has no ECC that could be set"
        if args.mig and gpu.mig is None:
            return f"GPU {gpu.number} cannot be split"
    return ""


def _steps(args: Args, gpu: Gpu) -> List[_Step]:
    """Return what must be done at one GPU; what is pending as wanted needs nothing but its reset."""
    return [*_simple(args, gpu), *(_splits(args.mig, gpu) if args.mig is not None else ())]


def _simple(args: Args, gpu: Gpu) -> Iterator[_Step]:
    at = ("-i", gpu.number)
    if args.persistence is not None and gpu.persistence != args.persistence:
        word = _switch(args.persistence)
        yield _step(gpu, f"persistence {_word(args.persistence)}", *at, "-pm", word)
    if args.power_limit_w is not None and gpu.power_limit_w != args.power_limit_w:
        yield _step(gpu, f"power limit {args.power_limit_w} W", *at, "-pl", str(args.power_limit_w))
    if args.ecc is not None and gpu.ecc_pending != args.ecc:
        yield _step(gpu, f"ECC {_word(args.ecc)} from the next reset on", *at, "-e", _switch(args.ecc))


def _splits(profiles: List[str], gpu: Gpu) -> Iterator[_Step]:
    """Yield how a GPU is split anew; only once MIG is on now, and never while it still has parts of another kind."""
    at = ("-i", gpu.number)
    wants_mig = bool(profiles)
    if gpu.parts and sorted(gpu.parts) != sorted(profiles):
        yield _step(gpu, f"join {', '.join(gpu.parts)}", "mig", "-dci", *at)
        yield _step(gpu, "make it whole", "mig", "-dgi", *at)
    if gpu.mig is not None and gpu.mig_pending != wants_mig:
        yield _step(gpu, f"MIG {_word(wants_mig)}", *at, "-mig", _switch(wants_mig))
    if profiles and gpu.mig and sorted(gpu.parts) != sorted(profiles):
        yield _step(gpu, f"split into {', '.join(profiles)}", "mig", "-cgi", ",".join(profiles), "-C", *at)


def _step(gpu: Gpu, what: str, *words: str) -> _Step:
    return _Step(f"GPU {gpu.number}: {what}", ("nvidia-smi", *words))


def _due(args: Args, gpus: List[Gpu]) -> List[str]:
    """Return the GPUs that are not yet what they are set to be."""
    wanted: List[Tuple[Gpu, Optional[bool], Optional[bool]]] = []
    for gpu in gpus:
        wanted.append((gpu, args.ecc, gpu.ecc))
        wanted.append((gpu, None if args.mig is None else bool(args.mig), gpu.mig))
    return list(
        dict.fromkeys(
            gpu.number for gpu, wish, now in wanted if wish is not None and now is not None and wish != now
        )
    )


def _taken(step: _Step, context: TaskContext) -> str:
    done = context.proc.run(step.words, timeout_s=_DEADLINE_S)
    return f"{step.what}: {(done.stderr or done.stdout).strip()}" if done.rc else ""


def _switch(on: bool) -> str:  # noqa: FBT001 - a setting, as nvidia-smi spells it
    return "1" if on else "0"


def _word(on: bool) -> str:  # noqa: FBT001 - a setting, in words
    return "on" if on else "off"
