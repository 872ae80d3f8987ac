"""What a `rollout:` says, as a value: how many hosts, how fast, when, and what may go wrong on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Share = int | float  # an int is a number of hosts, a float the share of the selected ones: 0.05 is 5 %

# How long the work on one host is expected to take where a rollout does not say it.
DURATION_S = 900.0


@dataclass(frozen=True, slots=True)
class Limit:
    """How many hosts may end in one way: of all that are selected, and of each failure domain."""

    fleet: Share | None = None
    domain: Share | None = None


@dataclass(frozen=True, slots=True)
class HealthGate:
    """The hosts of a wave must be in good health before the next wave."""


@dataclass(frozen=True, slots=True)
class CommandGate:
    """A command must succeed on every host of a wave before the next wave."""

    command: str


Gate = HealthGate | CommandGate


@dataclass(frozen=True, slots=True)
class Measure:
    """What a host counts for in a share, by the name of its hardware, and in which unit."""

    by_hardware: Mapping[str, int]
    unit: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout policy, as a playbook's `rollout:` says it. The default is everything at once, no budget.

    `spread` names the failure domain: rack, pop, metro or region; "" spreads over nothing, and the domain is
    then the PoP. `max_out` bounds how much of a domain may be out of service at once: a share of its GPUs, or
    of what `measure` counts in their place, rounded down, or a number of hosts; so many hosts as `min_out` says
    may be out whatever that gives. `duration_s` is how long one host is expected to take, which must fit into
    what is left of its window. `max_unknown` counts hosts of which we could not find out; where it says nothing,
    `max_unreachable` counts them too. With `proves_last` the last wave soaks and passes the gate as any other
    does, and a budget that it spends is a stop, though nobody is left to be started.
    """

    canary: int = 0
    waves: Sequence[Share] = (1.0,)
    spread: str = ""
    max_out: Share | None = None
    min_out: int = 0
    measure: Measure | None = None
    max_failed: Limit = Limit()
    max_unreachable: Limit = Limit()
    max_unknown: Limit = Limit()
    soak_s: float = 0.0
    gate: Gate | None = None
    proves_last: bool = False
    windowed: bool = False
    duration_s: float = DURATION_S


def count_of(share: Share, total: int) -> int:
    """Return how many hosts a share is: at least one, so that 1 % of 12 is not none."""
    return share if isinstance(share, int) else max(1, floor_of(share, total))


def floor_of(share: float, total: int) -> int:
    """Return a share rounded down, without losing one to floating point: 29 % of 100 is 29."""
    return math.floor(share * total + 1e-9)
