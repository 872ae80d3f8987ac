"""BlueField DPUs from their host: whose console is whose, in which mode, and an image pushed and judged by its console.

A push ends well for whoever pushed it, whatever the card made of it: only the card's own console says how it went.
"""

from __future__ import annotations

import hashlib
import json
import os
import time

from edgectl.remote import durable
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.health import dpus
from edgectl.remote.lean import Any, Dict, List, Literal, Tuple
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks._rshim import Rshim, judged, pushed

# A flash that was begun and whose end nobody knows is not to be begun again by itself.
REPEAT = "once"
_BEGUN, _DONE, _FAILED = "begun", "done", "failed"
_CHUNK_BYTES = 1024 * 1024
_DIGEST_LENGTH = 64


@dataclass(frozen=True)
class Args:
    """How many cards there should be, and what they should run."""

    count: int = arg(doc="How many BlueFields this host has.")
    state: Literal["mapped", "flashed"] = arg("mapped", doc="Only look, or bring each card to the image.")
    mode: Literal["dpu", "nic"] = arg("dpu", doc="The mode each card must be in.")
    firmware: str | None = arg(None, doc="The firmware that must run; a new one runs from a power cycle on.")
    image: str = arg("", doc="The bfb file, at this host.")
    sha256: str = arg("", doc="Its digest.")
    config: str = arg("", doc="A bf.cfg that goes behind it, at this host.")
    within: float = arg(3600.0, doc="Seconds until a card must be ready after a push.")
    again: bool = arg(False, doc="Push once more where a push failed, or nobody knows how it ended.")
    root: str = arg("", doc="A folder that stands for /.")

    def __post_init__(self) -> None:
        """Refuse a flash of nothing in particular, and one of what has no system to flash."""
        if self.state == "mapped":
            return
        if not self.image or len(self.sha256) != _DIGEST_LENGTH:
            raise ValueError("'image' and its whole 'sha256' are what a card is flashed with")
        if self.mode == "nic":
            raise ValueError("a card in NIC mode takes no image: a push never ends")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Match cards and consoles, compare the mode, then push to each card that has not had this image, one by one."""
    cards = dpus.read(args.root)
    consoles = dpus.consoles(args.root)
    values: dict[str, Any] = {"cards": [_told(card) for card in cards]}
    problem = _unmatched(args, cards, consoles) or _other_mode(args, cards)
    if problem:
        return failed(problem, **values)
    if args.state == "mapped":
        problem = _other_firmware(args, cards)
        return failed(problem, **values) if problem else TaskResult(values=values)
    shelf = _Shelf(os.path.join(context.paths.machine, "bluefield"))
    due = [card for card in cards if shelf.said_of(card) != (args.sha256, _DONE)]
    unclear = [_unclear(card, shelf) for card in due if shelf.said_of(card)[1] in (_BEGUN, _FAILED)]
    if unclear and not args.again:
        return failed(f"{'; '.join(unclear)}: look at its console, then say `again: true`", **values)
    if context.check or not due:
        return TaskResult(bool(due), values={**values, "due": [card["pci_bus_id"] for card in due]})
    wrong_file = _wrong_file(args)
    if wrong_file:
        return failed(wrong_file, **values)
    for card in due:
        problem = _flash(args, card, shelf)
        if problem:
            return failed(f"{card['pci_bus_id']} ({card['rshim']}): {problem}", **values)
    return TaskResult(changed=True, values={**values, "flashed": [card["pci_bus_id"] for card in due]})


def _told(card: Dict[str, Any]) -> Dict[str, Any]:
    return {
        name: card[name]
        for name in ("pci_bus_id", "model", "part", "serial", "firmware", "mode", "rshim", "boot_state")
    }


def _unmatched(args: Args, cards: List[Dict[str, Any]], consoles: List[Tuple[str, str]]) -> str:
    """Return why not every card has one console and every console one card, or an empty text."""
    if len(cards) != args.count:
        return f"PCI shows {len(cards)} BlueFields, {args.count} should be there"
    slots = {card["pci_bus_id"][4:].rpartition(".")[0].lower() for card in cards}
    by_slot: Dict[str, List[str]] = {}
    for rshim, slot in consoles:
        by_slot.setdefault(slot, []).append(rshim)
    shared = [f"{' and '.join(names)} both say {slot}" for slot, names in by_slot.items() if len(names) > 1]
    if shared:
        return f"consoles and cards do not match: {'; '.join(shared)}"
    strange = [f"{by_slot[slot][0]} is of {slot or 'no PCI card'}" for slot in sorted(set(by_slot) - slots)]
    silent = [f"{slot} has none: is rshim running?" for slot in sorted(slots - set(by_slot))]
    return f"consoles and cards do not match: {'; '.join(strange + silent)}" if strange or silent else ""


def _other_mode(args: Args, cards: List[Dict[str, Any]]) -> str:
    other = [
        f"{card['pci_bus_id']} is in {card['mode'] or 'an unknown'} mode"
        for card in cards
        if card["mode"] != args.mode
    ]
    if not other:
        return ""
    return f"{'; '.join(other)}, {args.mode} is wanted: set it at the card's BMC, then power-cycle the host"


def _other_firmware(args: Args, cards: List[Dict[str, Any]]) -> str:
    other = [
        f"{card['pci_bus_id']} runs firmware {card['firmware'] or 'that it does not tell'}"
        for card in cards
        if args.firmware is not None and card["firmware"] != args.firmware
    ]
    said = f"{'; '.join(other)}, {args.firmware} is wanted: what was flashed runs from the host's next power cycle on"
    return said if other else ""


def _unclear(card: Dict[str, Any], shelf: _Shelf) -> str:
    how = {_BEGUN: "was begun and its end is not known", _FAILED: "failed"}[shelf.said_of(card)[1]]
    return f"a push to {card['pci_bus_id']} {how}"


def _wrong_file(args: Args) -> str:
    digest = hashlib.sha256()
    try:
        with open(args.image, "rb") as stream:
            for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b""):
                digest.update(chunk)
    except OSError as error:
        return f"{args.image}: {str(error.strerror).lower()}"
    found = digest.hexdigest()
    return "" if found == args.sha256 else f"{args.image} is {found}, not the baseline's {args.sha256}"


def _flash(args: Args, card: Dict[str, Any], shelf: _Shelf) -> str:
    """Push, and return why the card did not come up with it, or an empty text."""
    shelf.write(card, args.sha256, _BEGUN)
    parts = [path for path in (args.image, args.config) if path]
    lines, problem = pushed(Rshim(args.root, card["rshim"]), parts, args.within)
    problem = problem or judged(lines)
    shelf.write(card, args.sha256, _FAILED if problem else _DONE)
    return problem


class _Shelf:
    """What was pushed to which card, by the card's own serial number: kept at the host, written before and after."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def said_of(self, card: Dict[str, Any]) -> Tuple[str, str]:
        """Return the digest of the last image, and how it ended; two empty texts for a card that had none."""
        try:
            with open(self._path(card), encoding="utf-8") as stream:
                said = json.load(stream)
            return str(said["sha256"]), str(said["state"])
        except FileNotFoundError:
            return "", ""
        except (OSError, ValueError, KeyError, TypeError):
            return "", _BEGUN

    def write(self, card: Dict[str, Any], sha256: str, state: str) -> None:
        """Keep it through a power cut."""
        os.makedirs(self._folder, 0o700, exist_ok=True)
        said = {"sha256": sha256, "state": state, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        durable.write(self._path(card), json.dumps(said).encode())

    def _path(self, card: Dict[str, Any]) -> str:
        name = str(card["serial"] or card["pci_bus_id"]).replace("/", "_")
        return os.path.join(self._folder, f"{name}.json")
