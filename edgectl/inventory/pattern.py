"""Which hosts a pattern selects. The language is described in `terms`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import assert_never

from edgectl.errors import InputError
from edgectl.inventory.fold import folded, numbers, unfold
from edgectl.inventory.memory import Made
from edgectl.inventory.model import Fleet, Host, Kind, PopState
from edgectl.inventory.terms import KEYS, All, Glob, KeyValue, Name, Pattern, Range, Regex, Term, parse


@dataclass(frozen=True)
class Scope:
    """What a pattern is looked up in: hosts by name, the names of PoPs and racks, and the groups' members.

    Inside a group's own pattern globs do not look at group names, or `c*` would make `canary` a cycle.
    """

    hosts: Mapping[str, Kind]
    places: Collection[str]
    groups: Mapping[str, Collection[str]]
    is_group_pattern: bool = False

    @cached_property
    def hosts_of(self) -> Mapping[str, Sequence[str]]:
        """The hosts of each PoP and rack that has some, by its name."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, kind in self.hosts.items():
            found[kind.pop.name].append(name)
            if kind.rack:
                found[kind.rack].append(name)
        return dict(found)


def scope_of(fleet: Fleet) -> Scope:
    """Return what an operator's patterns are looked up in."""
    kinds = fleet.kinds

    def members(group: str) -> list[str]:
        return [name for name, kind in kinds.items() if group in kind.groups]

    return Scope(kinds, {*fleet.pops, *fleet.racks}, Made(fleet.groups, members))


def select(fleet: Fleet, text: str, *, limit: str | None = None) -> tuple[Host, ...]:
    """Return the hosts that `text`, narrowed by `limit`, means, in the fleet's order; errors as `select_names`."""
    return tuple([fleet.hosts[name] for name in select_names(fleet, text, limit=limit)])


def select_names(fleet: Fleet, text: str, *, limit: str | None = None) -> list[str]:
    """Return the names of the hosts that `text`, narrowed by `limit`, means, in the fleet's order.

    `InputError` where either cannot be read, names what does not exist, or nothing is left.
    """
    pattern = parse(text)
    scope = scope_of(fleet)
    chosen = evaluate(pattern, scope)
    if not chosen:
        raise InputError(f"the pattern '{text}' matches no host{_why(pattern, scope)}", hint=_HINT)
    if limit is not None:
        narrowed = chosen & evaluate(parse(limit), scope, any_state=True)
        if not narrowed:
            message = f"the limit '{limit}' leaves none of the {len(chosen):,} hosts of '{text}'"
            raise InputError(message, hint=_HINT)
        chosen = narrowed
    return [name for name in fleet.kinds if name in chosen]


_HINT = "edgectl inventory list"


def evaluate(pattern: Pattern, scope: Scope, *, any_state: bool = False) -> set[str]:
    """Return the names of the hosts that match; `any_state` lets in PoPs that are not live as well."""
    chosen: set[str] = set()
    for term in pattern.unions:
        found = _found(term, scope)
        chosen |= found if any_state or _is_by_name(term, scope) else _live(found, scope)
    for term in pattern.intersections:
        chosen &= _found(term, scope)
    for term in pattern.exclusions:
        chosen -= _found(term, scope)
    return chosen


def _is_by_name(term: Term, scope: Scope) -> bool:
    return isinstance(term, Range) or (isinstance(term, Name) and term.name not in scope.groups)


def _live(names: set[str], scope: Scope) -> set[str]:
    return {name for name in names if scope.hosts[name].pop.state is PopState.LIVE}


def _found(term: Term, scope: Scope) -> set[str]:
    """Return the names of all hosts that one term matches, whatever their PoP's state."""
    match term:
        case All():
            return set(scope.hosts)
        case Name(name):
            return _named(name, scope)
        case Range(text):
            return _gathered(unfold(text), scope)
        case Glob(text):
            matches = matcher(text)
            return _gathered(filter(matches, _all_names(scope)), scope)
        case Regex(text):
            return _gathered(filter(re.compile(text).match, _all_names(scope)), scope)
        case KeyValue():
            return _with_value(term, scope)
        case _:
            assert_never(term)


def _all_names(scope: Scope) -> Iterable[str]:
    yield from scope.hosts
    yield from scope.places
    if not scope.is_group_pattern:
        yield from scope.groups


def _named(name: str, scope: Scope) -> set[str]:
    if name in scope.hosts or name in scope.places or name in scope.groups:
        return _gathered([name], scope)
    raise InputError(f"there is no host, rack, PoP or group '{name}'{_near(name, scope)}", hint=_HINT)


def _gathered(names: Iterable[str], scope: Scope) -> set[str]:
    found: set[str] = set()
    for name in names:
        if name in scope.hosts:
            found.add(name)
        elif name in scope.places:
            found.update(scope.hosts_of.get(name, ()))
        elif name in scope.groups:
            found.update(scope.groups[name])
    return found


def _with_value(term: KeyValue, scope: Scope) -> set[str]:
    value_of = _value_getter(term.key)
    matches = matcher(term.value)
    verdicts: dict[str | None, bool] = {None: False}
    found: set[str] = set()
    for name, kind in scope.hosts.items():
        value = value_of(kind)
        if value not in verdicts:
            verdicts[value] = value is not None and bool(matches(value))
        if verdicts[value] is term.equal:
            found.add(name)
    if term.key not in KEYS and len(verdicts) == 1:
        labels = {label for kind in scope.hosts.values() for label in kind.labels}
        raise InputError(f"no host has a label '{term.key}'{_close(term.key, {*labels, *KEYS})}", hint=_HINT)
    return found


def _value_getter(key: str) -> Callable[[Kind], str | None]:
    match key:
        case "pop":
            return attrgetter("pop.name")
        case "rack" | "role" | "hardware":
            return attrgetter(key)
        case "metro" | "region" | "country":
            return attrgetter(f"pop.{key}")
        case _:
            return lambda kind: kind.labels.get(key)


def matcher(text: str) -> Callable[[str], object]:
    """Return the test that a glob stands for: `*`, `?` and ranges; without any, equality.

    What it returns is true for what matches.
    """
    pieces = re.split(r"(\[[^\]]*\]|[*?])", text)
    if len(pieces) == 1:
        return lambda value: value == text
    allowed = [frozenset(numbers(piece[1:-1])) for piece in pieces if piece.startswith("[")]
    wild = {"*": ".*", "?": "."}
    regex = re.compile(
        "".join("([0-9]+)" if piece[:1] == "[" else wild.get(piece, re.escape(piece)) for piece in pieces)
    )

    if not allowed:
        return regex.fullmatch

    def matches(value: str) -> bool:
        found = regex.fullmatch(value)
        return found is not None and all(map(frozenset.__contains__, allowed, found.groups()))

    return matches


def _why(pattern: Pattern, scope: Scope) -> str:
    """Say what an operator most likely overlooked."""
    asleep = evaluate(pattern, scope, any_state=True)
    if asleep:
        pops = {scope.hosts[name].pop.name for name in asleep}
        return f"; it would match in PoPs that are not live ({folded(pops)}): name one to work on it"
    for term in pattern.unions:
        if isinstance(term, KeyValue) and term.equal:
            values = {_value_getter(term.key)(host) for host in scope.hosts.values()} - {None, ""}
            return _close(term.value, {str(value) for value in values})
        if isinstance(term, Range | Glob):
            return _near(term.text, scope)
    return ""


def _near(name: str, scope: Scope) -> str:
    """Suggest a name; hosts are searched in the rack or PoP that the name starts with, not everywhere."""
    place = max((known for known in scope.places if name.startswith(f"{known}-")), key=len, default="")
    inside = set(scope.hosts_of.get(place, ()) if place else scope.hosts)
    return _close(name, {*scope.places, *scope.groups, *(inside if len(inside) < _SEARCHED else ())})


_SEARCHED = 5000


def _close(word: str, known: Collection[str]) -> str:
    import difflib  # for who mistyped alone

    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    folded_case = {name.casefold(): name for name in known}
    if word.casefold() in folded_case:
        near = [folded_case[word.casefold()]]
    return f"; did you mean '{near[0]}'?" if near else ""
