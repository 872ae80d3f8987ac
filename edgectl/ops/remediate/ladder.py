"""Which rung a host's findings ask for, and which one is next after those that did not help. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from edgectl.catalog.remedies import Remedies, Rung
from edgectl.ops.health.xid_rules import SETTLED

# What the kernel log told: the finding, the GPU's UUID, when it was told last.
Logged = tuple[str, str | None, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding as the health report has it; `gpu` is the UUID, None for the node."""

    id: str
    severity: str
    gpu: str | None
    value: Any
    action: str

    @property
    def logged(self) -> Logged | None:
        """Return the line that it comes from, where that is the kernel log."""
        if not isinstance(self.value, dict) or "last" not in self.value:
            return None
        return self.id, self.gpu, str(self.value["last"])

    @property
    def asks(self) -> str:
        """Return an Xid's own word for what to do, '' for any other finding."""
        return str(self.value.get("asks", "")) if isinstance(self.value, dict) else ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A rung that was climbed for these findings, not long ago.

    `answered` are the lines of the kernel log, as of then, that it was climbed for, where it was proved; a line stays
    in the log until the next boot whatever became of its cause.
    """

    rung: Rung
    findings: frozenset[str]
    answered: frozenset[Logged] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """What to do about one host: `rung` None is for a person; `causes` are the findings that ask for it."""

    rung: Rung | None
    causes: Sequence[Fault]
    after: Rung | None = None  # the highest rung that did not help

    @property
    def gpus(self) -> tuple[str, ...]:
        """Return the GPUs it is about, each once."""
        return tuple(dict.fromkeys(fault.gpu for fault in self.causes if fault.gpu))


def next_step(found: Iterable[Fault], tried: Sequence[Tried], remedies: Remedies) -> Step | None:
    """Return what to do next, or None for a host where nothing is left to do.

    The highest rung that any finding asks for, and above every rung that was tried for one of them. What the driver
    calls over, and what a remedy answered already, asks for nothing.
    """
    answered = frozenset[Logged]().union(*(one.answered for one in tried))
    faults = [fault for fault in found if fault.asks != SETTLED and fault.logged not in answered]
    if not faults:
        return None
    asked = [(fault, _asked_for(fault, remedies)) for fault in faults]
    automatic = [(fault, rung) for fault, rung in asked if rung is not None]
    if not automatic:
        return Step(None, faults)
    wanted = max(rung for _, rung in automatic)
    causes = [fault for fault, rung in automatic if rung is wanted]
    if wanted is Rung.RESET_GPU and not any(fault.gpu for fault in causes):
        wanted = Rung.REBOOT  # nobody knows which one to reset
    failed = _exhausted({fault.id for fault in causes}, tried, remedies)
    if failed is not None and failed >= wanted:
        return Step(Rung(min(failed + 1, Rung.REPLACE)), causes, failed)
    return Step(wanted, causes)


def _asked_for(fault: Fault, remedies: Remedies) -> Rung | None:
    if fault.id == "recovery-action":
        return remedies.recovery_actions.get(str(fault.value))
    if fault.id.startswith("xid-"):
        return {**remedies.recovery_actions, **remedies.xid_actions}.get(fault.asks)
    return remedies.findings.get(fault.id)


def _exhausted(ids: set[str], tried: Iterable[Tried], remedies: Remedies) -> Rung | None:
    """Return the highest rung that was tried for these findings as often as it is worth."""
    times: dict[Rung, int] = {}
    related = ids.union(*(remedies.kin.get(name, ()) for name in ids))
    for one in tried:
        if related & one.findings:
            times[one.rung] = times.get(one.rung, 0) + 1
    spent = [rung for rung, count in times.items() if count >= remedies.tries.get(rung, 1)]
    return max(spent, default=None)
