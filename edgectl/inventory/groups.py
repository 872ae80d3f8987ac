"""Groups: named patterns, which may name other groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

from edgectl.errors import InputError, Problem
from edgectl.inventory.model import Kind
from edgectl.inventory.pattern import Scope, evaluate
from edgectl.inventory.schema import GroupSpec
from edgectl.inventory.sections import Entry, Sections
from edgectl.inventory.terms import Name, Pattern, parse


def memberships(
    sections: Sections,
    hosts: Mapping[str, Kind],
    places: Collection[str],
    problems: list[Problem],
) -> dict[str, set[str]]:
    """Return the names of each group's hosts, whatever their PoP's state; groups are in name order.

    What a pattern does not find is no complaint where an entry was left out that may have held it.
    """
    patterns = _parsed(sections.groups, problems)
    found: dict[str, set[str]] = {name: set() for name in sorted(sections.groups)}
    scope = Scope(hosts, places, found, is_group_pattern=True)
    for name in _ordered(patterns, sections.groups, problems):
        try:
            found[name] = evaluate(patterns[name], scope, any_state=True)
        except InputError as error:
            if sections.is_whole:
                problems.extend(_placed(error, sections.groups[name]))
    return found


def _parsed(groups: Mapping[str, Entry[GroupSpec]], problems: list[Problem]) -> dict[str, Pattern]:
    patterns: dict[str, Pattern] = {}
    for name, entry in groups.items():
        try:
            patterns[name] = parse(entry.spec.hosts)
        except InputError as error:
            problems.extend(_placed(error, entry))
    return patterns


def _placed(error: InputError, entry: Entry[GroupSpec]) -> list[Problem]:
    return [Problem(problem.message, entry.place("hosts")) for problem in error.problems]


def _ordered(
    patterns: Mapping[str, Pattern], groups: Mapping[str, Entry[GroupSpec]], problems: list[Problem]
) -> list[str]:
    """Return the groups, each after those it names; none at all where some go in a circle."""
    uses = {name: _named_in(pattern) & patterns.keys() for name, pattern in patterns.items()}
    circles = False
    while True:
        try:
            ordered = list(TopologicalSorter(uses).static_order())
        except CycleError as error:
            circle = _from_its_least(error.args[1])
            message = f"groups go in a circle: {' → '.join(circle)}; take one of them out"
            problems.append(Problem(message, groups[circle[0]].place("hosts")))
            uses = {name: used - {*circle} for name, used in uses.items() if name not in circle}
            circles = True
        else:
            return [] if circles else ordered


def _from_its_least(circle: list[str]) -> list[str]:
    """Turn what graphlib found, which leads from the used to the user, to start and end at its least name."""
    names = circle[:0:-1]
    start = names.index(min(names))
    return [*names[start:], *names[:start], names[start]]


def _named_in(pattern: Pattern) -> set[str]:
    terms = (*pattern.unions, *pattern.intersections, *pattern.exclusions)
    return {term.name for term in terms if isinstance(term, Name)}
