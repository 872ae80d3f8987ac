"""Which servers differ from others of their kind, or from what they were: median and MAD, as health does. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from edgectl.engine.bench_records import BenchRecord
from edgectl.ops.bench.figures import FIGURES, JUDGED, Figure
from edgectl.ops.peers import Kin, Peers, cohorts, differs, peers_of

# B. Iglewicz, D. Hoaglin (1993), as for cards.
_ROBUST_Z = 3.5
_LEAST_PEERS = 5
_LEAST_EARLIER = 5
_WIDTHS = ("pop", "metro", "region", "fleet")
# So much worse at least, however alike the others are: a link of half the width, a capped clock cost more.
_DIFFERS_BY = 0.05
_OWN_PAST = "its own past"


@dataclass(frozen=True, slots=True)
class Reading:
    """One server's last measurement of one load; `kind` is what makes others comparable."""

    subject: str
    at: datetime
    kind: tuple[str, str, str, str]
    figures: Mapping[str, float]
    places: Mapping[str, str]

    @property
    def kind_shown(self) -> str:
        """Return the kind in words."""
        _, model, engine, sku = self.kind
        return ", ".join(part for part in (sku, engine, model) if part) or "kind unknown"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A server that is worse than its peers, or than it was; `others` says which of the two."""

    reading: Reading
    figure: Figure
    value: float
    peers: Peers

    @property
    def worse(self) -> float:
        """Return by which share it is worse than usual."""
        high, low = sorted((self.value, self.peers.usual), reverse=True)
        return high / low - 1

    @property
    def others(self) -> str:
        """Return whom it differs from."""
        if self.peers.width == _OWN_PAST:
            return f"{self.peers.count} earlier measurements of its own"
        place = self.peers.place or "the fleet"
        return f"{self.peers.count - 1} peers in {place}"


@dataclass(frozen=True, slots=True)
class Compared:
    """The suspects, and which servers could be compared with others at all."""

    suspects: Sequence[Suspect]
    with_peers: frozenset[str]


def compare_fleet(records: Sequence[BenchRecord], places: Mapping[str, Mapping[str, str]]) -> Compared:
    """Return who differs; `records` oldest first, `places` by subject: who has none is compared in the fleet alone."""
    latest, earlier = _latest(records, places)
    found: list[Suspect] = []
    with_peers: set[str] = set()
    for figure in (FIGURES[name] for name in JUDGED):
        shown = [reading for reading in latest if figure.key in reading.figures]
        of_figure = cohorts(shown, _kin(figure.key), _WIDTHS, _LEAST_PEERS)
        for reading in shown:
            cohort = of_figure.get((reading.subject, reading.kind))
            if cohort is not None:
                with_peers.add(reading.subject)
            past = earlier.get((reading.subject, reading.kind), ())
            sides = [cohort.peers] if cohort else []
            values = [figures[figure.key] for figures in past if figure.key in figures]
            if len(values) >= _LEAST_EARLIER:
                sides.append(peers_of(values, _OWN_PAST, ""))
            found += [
                Suspect(reading, figure, reading.figures[figure.key], peers)
                for peers in sides
                if _is_worse(reading.figures[figure.key], peers, figure)
            ]
    return Compared(sorted(found, key=lambda one: (one.reading.subject, -one.worse)), frozenset(with_peers))


_Kind = tuple[str, str, str, str]
_Past = Mapping[tuple[str, _Kind], Sequence[Mapping[str, float]]]


def _latest(
    records: Sequence[BenchRecord], places: Mapping[str, Mapping[str, str]]
) -> tuple[list[Reading], _Past]:
    """Return each server's last run of each load, and its earlier ones; repeats of a run are one, by their medians."""
    runs: dict[tuple[str, _Kind], dict[str, list[BenchRecord]]] = defaultdict(dict)
    for record in records:
        if record.is_trusted:
            kind = (record.shape, record.model, record.engine, record.sku)
            runs[record.subject, kind].setdefault(record.run, []).append(record)
    latest, earlier = [], {}
    for (subject, kind), by_run in runs.items():
        *past, last = by_run.values()
        latest.append(Reading(subject, last[0].at, kind, _medians(last), places.get(subject, {})))
        earlier[subject, kind] = [_medians(run) for run in past]
    return latest, earlier


def _medians(repeats: Sequence[BenchRecord]) -> dict[str, float]:
    keys = set.intersection(*(set(record.figures) for record in repeats))
    return {key: median(record.figures[key] for record in repeats) for key in keys}


def _kin(key: str) -> Kin[Reading]:
    return Kin(
        name=lambda reading: (reading.subject, reading.kind),
        kind=lambda reading: reading.kind,
        figure=lambda reading: reading.figures[key],
    )


def _is_worse(value: float, peers: Peers, figure: Figure) -> bool:
    by = _DIFFERS_BY * abs(peers.usual)
    return differs(value, peers, by=by, robust_z=_ROBUST_Z, is_worse_high=figure.is_worse_high)
