"""Cards that differ from their peers: the same product, driver and load, as near as there are enough. Pure.

A fixed threshold misses the card whose filter is dusty at 71 °C; fourteen neighbours at 55 °C do not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from edgectl.catalog.health_fleet import Metric, OutlierRules

# Scales the median absolute deviation of a normal distribution to its standard deviation.
_NORMAL = 0.6745
_IDLE_PERCENT = 10
_BUSY_PERCENT = 60


@dataclass(frozen=True, slots=True)
class CardReading:
    """What one card shows, and what makes it a peer of others; `places` has pop, metro and region by name."""

    card: str
    host: str
    label: str
    name: str
    driver: str
    places: Mapping[str, str]
    readings: Mapping[str, float]

    @property
    def load(self) -> str:
        """How hard the card works: heat and clocks of idle and busy cards are not compared."""
        percent = self.readings.get("utilization_percent")
        if percent is None:
            return "unknown"
        return "idle" if percent < _IDLE_PERCENT else "busy" if percent >= _BUSY_PERCENT else "half"


@dataclass(frozen=True, slots=True)
class Peers:
    """A cohort: how many, what is usual there, how far they spread, and which place it is of."""

    count: int
    usual: float
    spread: float
    width: str
    place: str


@dataclass(frozen=True, slots=True)
class Outlier:
    """A card that differs; `alike` of its peers do not."""

    card: CardReading
    metric: Metric
    value: float
    peers: Peers
    alike: int

    def __str__(self) -> str:
        unit = self.metric.unit
        of_peers = f"{self.alike} of {self.peers.count - 1} peers in {self.peers.place or self.peers.width}"
        return f"{of_peers}: {self.peers.usual:g} {unit}, this one {self.value:g} {unit}"


@dataclass(frozen=True, slots=True)
class Compared:
    """The outliers, and which cards had peers enough to be judged, by finding."""

    outliers: Sequence[Outlier]
    judged: Mapping[str, frozenset[str]]


def compare(cards: Sequence[CardReading], rules: OutlierRules) -> Compared:
    """Return the cards that differ from their peers, for each metric, in the order of the cards."""
    found: list[Outlier] = []
    judged: dict[str, frozenset[str]] = {}
    for metric in rules.metrics:
        shown = [card for card in cards if metric.reading in card.readings]
        cohorts = _cohorts(shown, metric, rules)
        judged[metric.finding] = frozenset(cohorts)
        found += _outliers(shown, metric, cohorts, rules)
    return Compared(found, judged)


_Cohort = tuple[Peers, Sequence[CardReading]]


def _cohorts(cards: Sequence[CardReading], metric: Metric, rules: OutlierRules) -> dict[str, _Cohort]:
    """Return by card the narrowest cohort that has peers enough."""
    found: dict[str, _Cohort] = {}
    for width in rules.widths:
        groups: dict[tuple[str, ...], list[CardReading]] = defaultdict(list)
        for card in cards:
            if width == "fleet" or card.places.get(width):
                groups[_key(card, metric, width)].append(card)
        for members in groups.values():
            left = [member for member in members if member.card not in found]
            if left and len(members) > rules.least_peers:
                cohort = _peers(members, metric, width), members
                found.update((member.card, cohort) for member in left)
    return found


def _key(card: CardReading, metric: Metric, width: str) -> tuple[str, ...]:
    load = card.load if metric.by_load else ""
    return card.name, card.driver, load, card.places.get(width, "")


def _peers(members: Sequence[CardReading], metric: Metric, width: str) -> Peers:
    values = [member.readings[metric.reading] for member in members]
    usual = median(values)
    spread = median(abs(value - usual) for value in values)
    return Peers(len(members), usual, spread, width, members[0].places.get(width, ""))


def _outliers(
    cards: Sequence[CardReading], metric: Metric, cohorts: Mapping[str, _Cohort], rules: OutlierRules
) -> Iterator[Outlier]:
    differing: dict[int, int] = {}
    for card in cards:
        cohort = cohorts.get(card.card)
        if cohort is None:
            continue
        peers, members = cohort
        value = card.readings[metric.reading]
        if _differs(value, peers, metric, rules):
            if id(peers) not in differing:
                differing[id(peers)] = sum(
                    _differs(member.readings[metric.reading], peers, metric, rules) for member in members
                )
            yield Outlier(card, metric, value, peers, peers.count - differing[id(peers)])


def _differs(value: float, peers: Peers, metric: Metric, rules: OutlierRules) -> bool:
    """Tell whether a value is on the bad side, far enough, and beyond the cohort's own spread."""
    distance = value - peers.usual if metric.is_worse_high else peers.usual - value
    return distance >= metric.differs_by and _NORMAL * distance > rules.robust_z * peers.spread
