"""Cards that differ from their peers: the same product, driver and load, as near as there are enough. Pure.

A fixed threshold misses the card whose filter is dusty at 71 °C; fourteen neighbours at 55 °C do not.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgectl.catalog.health_fleet import Metric, OutlierRules
from edgectl.ops.peers import Cohort, Kin, Peers, cohorts, differs

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
        by_card = cohorts(shown, _kin(metric), rules.widths, rules.least_peers)
        judged[metric.finding] = frozenset(map(str, by_card))
        found += _outliers(shown, metric, by_card, rules)
    return Compared(found, judged)


def _kin(metric: Metric) -> Kin[CardReading]:
    """Return how cards are compared: the same product, driver and, where it matters, load."""
    return Kin(
        name=lambda card: card.card,
        kind=lambda card: (card.name, card.driver, card.load if metric.by_load else ""),
        figure=lambda card: card.readings[metric.reading],
    )


def _outliers(
    cards: Sequence[CardReading],
    metric: Metric,
    by_card: Mapping[Hashable, Cohort[CardReading]],
    rules: OutlierRules,
) -> Iterator[Outlier]:
    differing: dict[int, int] = {}
    for card in cards:
        cohort = by_card.get(card.card)
        if cohort is None:
            continue
        peers = cohort.peers
        if _differs(card, peers, metric, rules):
            if id(peers) not in differing:
                differing[id(peers)] = sum(
                    _differs(member, peers, metric, rules) for member in cohort.members
                )
            yield Outlier(
                card, metric, card.readings[metric.reading], peers, peers.count - differing[id(peers)]
            )


def _differs(card: CardReading, peers: Peers, metric: Metric, rules: OutlierRules) -> bool:
    return differs(
        card.readings[metric.reading],
        peers,
        by=metric.differs_by,
        robust_z=rules.robust_z,
        is_worse_high=metric.is_worse_high,
    )
