"""Who else has a say in a run, beside its plan: a person, a freeze, a gate, a judge and chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgectl.engine.outcome import HostOutcome
from edgectl.inventory.model import Host

Judge = Callable[[HostOutcome], HostOutcome]
PassGate = Callable[[Sequence[Host]], str]


def as_it_ended(outcome: HostOutcome) -> HostOutcome:
    """Judge nothing."""
    return outcome


def never() -> str:
    """Freeze nothing."""
    return ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked while a run goes on.

    `interrupts` counts how often a person asked to stop. `judged` has the last word on how a host ended,
    before anybody hears of it. `gate` says why a wave's hosts are not good enough for the next wave, or
    nothing; without one, waves follow each other. `frozen` says why no host of the fleet may start now, or
    nothing; it is asked before each start. `chance` returns a random number from 0 up to 1.
    """

    interrupts: Callable[[], int] = lambda: 0
    judged: Judge = as_it_ended
    gate: PassGate | None = None
    frozen: Callable[[], str] = never
    chance: Callable[[], float] = lambda: 0.0
