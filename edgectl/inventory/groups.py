"""Groups: named patterns, which may name other groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from edgectl.errors import InputError, Problem
from edgectl.inventory.pattern import Scope, Selectable, evaluate
from edgectl.inventory.schema import GroupSpec
from edgectl.inventory.sections import Entry
from edgectl.inventory.terms import Name, Pattern, parse


def memberships(
    groups: Mapping[str, Entry[GroupSpec]],
    hosts: Mapping[str, Selectable],
    places: Mapping[str, Collection[Selectable]],
    problems: list[Problem],
) -> dict[str, set[str]]:
    """Return the names of each group's hosts, whatever their PoP's state; groups are in name order."""
    patterns = _parsed(groups, problems)
    found: dict[str, set[str]] = {}
    members: dict[str, Sequence[Selectable]] = {}
    for name in _ordered(patterns, groups, problems):
        scope = Scope(hosts, places, members, is_group_pattern=True)
        try:
            found[name] = evaluate(patterns[name], scope, any_state=True)
        except InputError as error:
            problems.extend(_placed(error, groups[name]))
            found[name] = set()
        members[name] = [hosts[host] for host in found[name]]
    return {name: found[name] for name in sorted(found)}


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
    """Return the groups, each after those it names; none of them where they go in a circle."""
    uses = {
        name: [used for used in _named_in(pattern) if used in patterns] for name, pattern in patterns.items()
    }
    try:
        return list(TopologicalSorter(uses).static_order())
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        message = f"groups go in a circle: {' → '.join(circle)}; take one of them out"
        problems.append(Problem(message, groups[circle[0]].place("hosts")))
        return []


def _named_in(pattern: Pattern) -> list[str]:
    terms = (*pattern.unions, *pattern.intersections, *pattern.exclusions)
    return [term.name for term in terms if isinstance(term, Name)]
