"""Which rung a host's findings ask for, and which one is next after those that did not help. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgectl.catalog.remedies import Remedies, Rung
from edgectl.catalog.xid import XidMeaning, unknown_xid


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding as the health report has it; `gpu` is the UUID, None for the node."""

    id: str
    severity: str
    gpu: str | None
    value: Any
    action: str

    @property
    def logged(self) -> str | None:
        """Return when the kernel log told of it last, where that is what it comes from."""
        return (
            str(self.value.get("last"))
            if self.id.startswith("xid-") and isinstance(self.value, dict)
            else None
        )


@dataclass(frozen=True, slots=True)
class Tried:
    """A rung that was climbed for these findings, not long ago."""

    rung: Rung
    findings: frozenset[str]


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


def next_step(
    faults: Sequence[Fault],
    tried: Iterable[Tried],
    remedies: Remedies,
    xids: Mapping[int, XidMeaning],
) -> Step | None:
    """Return what to do next, or None for a host without findings.

    The highest rung that any finding asks for, and above every rung that was tried for one of them.
    """
    if not faults:
        return None
    asked = [(fault, _asked_for(fault, remedies, xids)) for fault in faults]
    automatic = [(fault, rung) for fault, rung in asked if rung is not None]
    if not automatic:
        return Step(None, faults)
    wanted = max(rung for _, rung in automatic)
    causes = [fault for fault, rung in automatic if rung is wanted]
    failed = _exhausted({fault.id for fault in causes}, tried, remedies)
    if failed is not None and failed >= wanted:
        return Step(Rung(min(failed + 1, Rung.REPLACE)), causes, failed)
    return Step(wanted, causes)


def _asked_for(fault: Fault, remedies: Remedies, xids: Mapping[int, XidMeaning]) -> Rung | None:
    if fault.id == "recovery-action":
        return remedies.recovery_actions.get(str(fault.value))
    if fault.id.startswith("xid-"):
        code = int(fault.id.removeprefix("xid-"))
        return remedies.xid_actions.get((xids.get(code) or unknown_xid(code)).action)
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
