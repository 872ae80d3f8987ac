"""Many runs over lines that are reset at random moments, and a count of what came of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.faults.proxy import End, Line
from tests.faults.rig import COUNTER, Controller, Site, Tasks, count_up, disagreements, told

TASKS = 10
_RUN_S = 1.6  # what an undisturbed run takes: a reset may come at any moment of it
_LINE_BYTES = 120_000  # and what passes over its line, the code and the job included
_MOST_RESETS = 3


@dataclass(slots=True)
class Tally:
    """What came of the runs; every list names the runs to look at."""

    runs: int = 0
    resets: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    misreported: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.runs += other.runs
        self.resets += other.resets
        self.statuses += other.statuses
        self.lost += other.lost
        self.doubled += other.doubled
        self.misreported += other.misreported

    def __str__(self) -> str:
        counts = f"{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.misreported)} misreported"
        return f"{self.runs} runs, {self.resets} resets: {counts} ({dict(self.statuses)})"


def playbook() -> Tasks:
    """Return ten tasks that must not run twice, each long enough to be hit in its middle."""
    return [count_up(number, sleep_s=0.05) for number in range(1, TASKS + 1)]


def resets(sites: Sequence[Site], runs: int, seed: int) -> Tally:
    """Play so many runs, one at a time on each site, and count."""
    whole = Tally()
    with ThreadPoolExecutor(len(sites)) as pool:
        shares = [runs // len(sites) + (index < runs % len(sites)) for index in range(len(sites))]
        parts = pool.map(_share, sites, shares, range(seed, seed + len(sites)))
        for part in parts:
            whole.add(part)
    return whole


def _share(site: Site, runs: int, seed: int) -> Tally:
    rng = random.Random(seed)  # noqa: S311 - moments of resets, not keys
    tally = Tally()
    for number in range(runs):
        _one(site, tally, _line_of(rng), f"{site.machine.name} run {number} of seed {seed}")
    return tally


def _line_of(rng: random.Random) -> Sequence[Line]:
    """Return the lines of a run's first connections: half of them end by time, half by what passed."""
    lines = []
    for _ in range(rng.randint(1, _MOST_RESETS)):
        if rng.random() < 0.5:
            lines.append(Line(End.RESET, after_s=rng.uniform(0, _RUN_S)))
        else:
            lines.append(Line(End.RESET, after_bytes=rng.randrange(1, _LINE_BYTES)))
    return lines


def _one(site: Site, tally: Tally, lines: Sequence[Line], label: str) -> None:
    first = site.proxy.accepted
    site.proxy.plan(_planned(lines, first))
    site.machine.run(f"rm -f {COUNTER}")
    run = Controller([site]).run(playbook())
    (host,) = run.hosts
    truth = site.truth(run.run)
    tally.runs += 1
    tally.resets += min(site.proxy.accepted - first, len(lines))
    tally.statuses[host.status.value] += 1
    said = f"{label}, {run.run}, {lines}: {host.status} {host.reason!r}, ran {dict(truth.ran)}, told {told(host)}"
    if len(truth.ran) < TASKS:
        tally.lost.append(said)
    if any(times > 1 for times in truth.ran.values()):
        tally.doubled.append(said)
    if wrong := disagreements(host, truth, TASKS):
        tally.misreported.append(f"{said}: {wrong}")


def _planned(lines: Sequence[Line], first: int) -> Callable[[int], Line]:
    return lambda number: lines[number - first] if number - first < len(lines) else Line()
