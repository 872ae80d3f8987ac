"""Which trait best separates hosts that failed alike from those that went well. Pure.

For each value of each trait the hosts form a table of four: failed or well, with it or without. The value with the
greatest difference of shares is the best (W. J. Youden, Index for rating diagnostic tests, 1950); it is told only if
chance alone would hardly bring such a table about (Fisher's exact test), counted once for every value that was tried
(Bonferroni). A value that fewer than `LEAST` hosts have could never be told, whoever failed, and does not count as
tried (R. E. Tarone, A modified Bonferroni method for discrete data, 1990).

Hosts of one site fail together and are made alike, so that counting them as if each had failed by itself would find a
cause in whatever three dark sites happen to share (S. H. Hurlbert, Pseudoreplication, 1984). A trait is told only if
it also separates with each site counted once, or the hosts within the sites where any failed; a site itself is told
as it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from edgectl.ops.clusters.odds import chance_of_so_many
from edgectl.ops.clusters.traits import SAID, SITES, Traits, order

# Three hosts prove nothing: below this nothing is claimed of the failed, nor measured on the well.
LEAST = 5
# At most so likely by chance, over all values tried.
_CHANCE = 0.001
# A trait that no more of the failed have does not explain the greater part of them.
_COVERED = 0.5
# How much commoner than among the well it must be.
_LIFT = 2.0


@dataclass(frozen=True, slots=True)
class Separation:
    """A trait, how many of the failed and of the well have it, of how many that it is known of, and by what chance.

    `chance` is corrected for the values tried. `same` are traits that exactly the same hosts have: nothing here
    tells them apart.
    """

    name: str
    value: str
    failed_with: int
    failed: int
    well_with: int
    well: int
    chance: float
    same: tuple[tuple[str, str], ...] = ()

    @property
    def distance(self) -> float:
        """Return the difference of the shares: 1 where all that failed have it and no other."""
        return self.failed_with / self.failed - self.well_with / self.well


class Population:
    """Hosts by their traits, and which of them went well; asked for each group that failed alike."""

    def __init__(self, traits: Mapping[str, Traits], well: Collection[str]) -> None:
        self._traits = traits
        self._well = tuple(host for host in well if host in traits)
        self._well_counts = _counts(traits, self._well)
        self._well_known = _known(self._well_counts)
        self._well_common = sum(
            count >= LEAST for of_values in self._well_counts.values() for count in of_values.values()
        )

    def separation(self, failed: Collection[str]) -> Separation | None:
        """Return what best separates these hosts from the well ones, or None where nothing can be said."""
        members = [host for host in failed if host in self._traits]
        if len(members) < LEAST or len(self._well) < LEAST:
            return None
        counts = _counts(self._traits, members)
        tried = self._tried(counts)
        told = [
            one
            for one in self._candidates(members, counts, tried)
            if self._is_more_than_a_site(one, members, tried)
        ]
        best = min(told, key=lambda one: (-one.distance, order(one.name), one.value), default=None)
        return None if best is None else self._with_same(best, told, members)

    def _tried(self, failed: Mapping[str, Counter[str]]) -> int:
        """Return how many values have hosts enough to be told at all, whoever failed."""
        return self._well_common + sum(
            well < LEAST <= well + count
            for name, of_values in failed.items()
            for value, count in of_values.items()
            for well in (self._well_with(name, value),)
        )

    def _well_with(self, name: str, value: str) -> int:
        return self._well_counts[name][value] if name in self._well_counts else 0

    def _candidates(
        self, members: Collection[str], counts: Mapping[str, Counter[str]], tried: int
    ) -> Iterator[Separation]:
        known = _known(counts)
        for name, of_values in counts.items():
            failed = known[name] if name in SAID else len(members)
            well = self._well_known.get(name, 0) if name in SAID else len(self._well)
            if min(failed, well) < LEAST or 2 * failed < len(members):
                continue
            for value, with_it in of_values.items():
                well_with = self._well_with(name, value)
                found = Separation(name, value, with_it, failed, well_with, well, 1.0)
                if _is_worth_testing(found):
                    chance = chance_of_so_many(with_it, failed, with_it + well_with, failed + well) * tried
                    if chance <= _CHANCE:
                        yield replace(found, chance=chance)

    def _is_more_than_a_site(self, found: Separation, members: Collection[str], tried: int) -> bool:
        """Tell whether a trait still separates where a site that went down as a whole counts once, or within sites."""
        if found.name in SITES:
            return True
        failed = self._having(found, members)
        well = self._having(found, self._well)
        return _among_sites(failed, well) * tried <= _CHANCE or _within_sites(failed, well) * tried <= _CHANCE

    def _having(self, found: Separation, hosts: Collection[str]) -> dict[str, list[bool]]:
        """Return by site whether each of its hosts has the trait, of those that it is known of."""
        by_site: dict[str, list[bool]] = defaultdict(list)
        for host in hosts:
            value = self._traits[host].get(found.name)
            if value is not None or found.name not in SAID:
                by_site[self._traits[host].get("pop", "")].append(value == found.value)
        return by_site

    def _with_same(
        self, best: Separation, told: Collection[Separation], members: Collection[str]
    ) -> Separation:
        everyone = (*members, *self._well)

        def having(one: Separation) -> frozenset[str]:
            return frozenset(host for host in everyone if self._traits[host].get(one.name) == one.value)

        alike = [
            one
            for one in told
            if one is not best and (one.failed_with, one.well_with) == (best.failed_with, best.well_with)
        ]
        wanted = having(best) if alike else frozenset()
        same = sorted(
            ((one.name, one.value) for one in alike if having(one) == wanted),
            key=lambda pair: (order(pair[0]), pair[1]),
        )
        return replace(best, same=tuple(same))


def _is_worth_testing(found: Separation) -> bool:
    share = found.failed_with / found.failed
    return found.failed_with >= LEAST and share > _COVERED and share >= _LIFT * found.well_with / found.well


def _among_sites(failed: Mapping[str, list[bool]], well: Mapping[str, list[bool]]) -> float:
    """Return the chance of this among sites, each counted once.

    A site where some failed has the trait if most of those have it; any other has it if one of its hosts does.
    """
    failed_with = sum(2 * sum(having) > len(having) for having in failed.values())
    well_with = sum(any(having) for site, having in well.items() if site not in failed)
    total = len(failed.keys() | well.keys())
    return chance_of_so_many(failed_with, len(failed), failed_with + well_with, total)


def _within_sites(failed: Mapping[str, list[bool]], well: Mapping[str, list[bool]]) -> float:
    """Return the chance of this among the hosts of the sites where any failed."""
    of_failed = [has for having in failed.values() for has in having]
    of_well = [has for site, having in well.items() if site in failed for has in having]
    having = sum(of_failed) + sum(of_well)
    return chance_of_so_many(sum(of_failed), len(of_failed), having, len(of_failed) + len(of_well))


def _counts(traits: Mapping[str, Traits], hosts: Collection[str]) -> dict[str, Counter[str]]:
    values: dict[str, list[str]] = defaultdict(list)
    for host in hosts:
        for name, value in traits[host].items():
            values[name].append(value)
    return {name: Counter(of_hosts) for name, of_hosts in values.items()}


def _known(counts: Mapping[str, Counter[str]]) -> dict[str, int]:
    return {name: of_values.total() for name, of_values in counts.items()}
