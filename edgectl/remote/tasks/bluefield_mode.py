"""BlueFields in DPU mode: what a card is now and from its host's next power cycle on are two things, and told apart."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.health import dpus
from edgectl.remote.lean import Any, Dict, List, Literal, Union
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _mlxconfig
from edgectl.remote.tasks._mlxconfig import Mode

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Say how many cards there should be, and what each should be from the next power cycle on."""

    count: int = arg(doc="How many BlueFields this host has.")
    mode: Literal["dpu"] = arg("dpu", doc="The mode; what makes a card a NIC is not done from its host.")
    root: str = arg("", doc="A folder that stands for /.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Read both modes of every card, set the next one where it differs, and read again.

    A host without mlxconfig has nothing to set it with: its cards are left to who looks at them after this.
    """
    cards = [card["pci_bus_id"][4:].lower() for card in dpus.read(args.root)]
    if len(cards) != args.count:
        return failed(f"PCI shows {len(cards)} BlueFields, {args.count} should be there")
    if not _mlxconfig.is_there(context.proc):
        return TaskResult(msg="this host has no mlxconfig", values=_told(args, []))
    before = _modes(cards, context)
    if isinstance(before, str):
        return failed(before)
    due = [mode.address for mode in before if mode.then != args.mode]
    if context.check or not due:
        return TaskResult(bool(due), values=_told(args, before))
    problems = [_mlxconfig.change(address, args.mode, context.proc) for address in due]
    after = _modes(cards, context)
    if isinstance(after, str):
        return failed(after)
    left = [f"{mode.address} is to be in {mode.then} mode still" for mode in after if mode.then != args.mode]
    said = "; ".join(problem for problem in [*problems, *left] if problem)
    return failed(said, **_told(args, after)) if said else TaskResult(changed=True, values=_told(args, after))


def _modes(cards: List[str], context: TaskContext) -> Union[List[Mode], str]:
    found = [_mlxconfig.read(address, context.proc) for address in cards]
    problems = [one for one in found if isinstance(one, str)]
    return "; ".join(problems) if problems else [one for one in found if isinstance(one, Mode)]


def _told(args: Args, modes: List[Mode]) -> Dict[str, Any]:
    pending = [mode.address for mode in modes if mode.now != args.mode]
    return {"cards": [mode.told for mode in modes], "pending": pending}
