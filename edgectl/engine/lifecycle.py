"""Where a host is in its life, and which stage may follow which. PoPs and metros have no stage but their hosts'."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """A host's stages, in the order of a life that goes well; the last six are for what does not."""

    PLANNED = "planned"
    ORDERED = "ordered"
    DELIVERED = "delivered"
    RACKED = "racked"
    DISCOVERED = "discovered"
    PROVISIONING = "provisioning"
    PROVISIONED = "provisioned"
    ACCEPTING = "accepting"
    ACCEPTED = "accepted"
    IN_SERVICE = "in_service"
    DRAINING = "draining"
    MAINTENANCE = "maintenance"
    FAILED = "failed"
    REPAIR = "repair"
    RMA = "rma"
    RETIRED = "retired"
    QUARANTINED = "quarantined"


_ONWARD: Mapping[Stage, frozenset[Stage]] = {
    Stage.PLANNED: frozenset({Stage.ORDERED}),
    Stage.ORDERED: frozenset({Stage.DELIVERED}),
    Stage.DELIVERED: frozenset({Stage.RACKED}),
    Stage.RACKED: frozenset({Stage.DISCOVERED, Stage.PROVISIONING}),
    Stage.DISCOVERED: frozenset({Stage.PROVISIONING}),
    Stage.PROVISIONING: frozenset({Stage.PROVISIONED, Stage.ACCEPTING, Stage.ACCEPTED}),
    Stage.PROVISIONED: frozenset({Stage.PROVISIONING, Stage.ACCEPTING}),
    Stage.ACCEPTING: frozenset({Stage.ACCEPTED, Stage.PROVISIONING}),
    Stage.ACCEPTED: frozenset({Stage.IN_SERVICE, Stage.PROVISIONING, Stage.MAINTENANCE, Stage.DRAINING}),
    Stage.IN_SERVICE: frozenset({Stage.DRAINING, Stage.PROVISIONING, Stage.MAINTENANCE}),
    Stage.DRAINING: frozenset({Stage.MAINTENANCE, Stage.IN_SERVICE, Stage.PROVISIONING, Stage.REPAIR}),
    Stage.MAINTENANCE: frozenset({Stage.PROVISIONING, Stage.IN_SERVICE, Stage.ACCEPTED, Stage.REPAIR}),
    Stage.FAILED: frozenset({Stage.PROVISIONING, Stage.REPAIR, Stage.RMA, Stage.MAINTENANCE, Stage.ACCEPTED}),
    Stage.REPAIR: frozenset({Stage.PROVISIONING, Stage.ACCEPTING, Stage.RMA, Stage.RACKED}),
    Stage.RMA: frozenset({Stage.ORDERED, Stage.DELIVERED, Stage.RACKED}),
    Stage.RETIRED: frozenset(),
    Stage.QUARANTINED: frozenset(),
}
# From anywhere but the end: what goes wrong asks nobody, and a person may end any life.
_ALWAYS = frozenset({Stage.FAILED, Stage.RETIRED, Stage.QUARANTINED})
# A quarantine is for a reason that no run can judge; only a person ends it, by naming where the host goes.
_RELEASED = frozenset({Stage.RACKED, Stage.REPAIR, Stage.RETIRED})
# How long a host may be in a stage before somebody should ask why.
STUCK_S: Mapping[Stage, float] = {
    Stage.PROVISIONING: 3 * 3600.0,
    Stage.ACCEPTING: 3 * 3600.0,
    Stage.DRAINING: 3600.0,
    Stage.FAILED: 24 * 3600.0,
    Stage.MAINTENANCE: 14 * 86_400.0,
    Stage.REPAIR: 14 * 86_400.0,
    Stage.RMA: 45 * 86_400.0,
}


@dataclass(frozen=True, slots=True)
class Passage:
    """A host came to a stage: when, by whom, and why; `run` where a run brought it there."""

    host: str
    stage: Stage
    at: datetime
    by: str
    reason: str = ""
    run: str = ""


def may_follow(before: Stage | None, after: Stage, *, by_hand: bool = False) -> bool:
    """Tell whether a host may go from one stage to another; of one that is on no record, nothing speaks against any.

    A retired host stays retired, and a quarantined one until a person says where it goes.
    """
    if before is None or before is after:
        return True
    if before is Stage.QUARANTINED:
        return by_hand and after in _RELEASED
    if before is Stage.RETIRED:
        return False
    return after in _ALWAYS or after in _ONWARD[before]


def is_stuck(passage: Passage, now: datetime) -> bool:
    """Tell whether a host has been where it is for longer than that should take."""
    limit_s = STUCK_S.get(passage.stage)
    return limit_s is not None and (now - passage.at).total_seconds() > limit_s


class Lifecycles(Protocol):
    """Every stage that a host came to, in the store."""

    def current(self, hosts: Collection[str]) -> Mapping[str, Passage]:
        """Return the latest passage of each of these hosts that has one."""
        ...

    def of(self, host: str) -> Sequence[Passage]:
        """Return a host's passages, oldest first."""
        ...

    def record(self, passages: Iterable[Passage], *, by_hand: bool = False) -> Sequence[Passage]:
        """Put passages on record that may be, and return those that may not; one to where a host is changes nothing."""
        ...


class NoLifecycles:
    """Remembers nothing, for services without a store."""

    def current(self, hosts: Collection[str]) -> Mapping[str, Passage]:
        """Return nothing."""
        del hosts
        return {}

    def of(self, host: str) -> Sequence[Passage]:
        """Return nothing."""
        del host
        return ()

    def record(self, passages: Iterable[Passage], *, by_hand: bool = False) -> Sequence[Passage]:
        """Forget them."""
        del passages, by_hand
        return ()
