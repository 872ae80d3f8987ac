"""What a run found, line by line: one line per cause, its places folded, what to do below. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from edgectl.catalog.health_states import StatePolicies
from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import HealthState, Phase, Turn
from edgectl.inventory.fold import abridged
from edgectl.ops.health.ages import age
from edgectl.ops.health.examined import Examined
from edgectl.ops.health.finding import Finding
from edgectl.ops.health.fleet.incidents import EVERYWHERE, Incident
from edgectl.ops.health.fleet.outliers import Outlier
from edgectl.ops.health.fleet.view import FleetView
from edgectl.ops.health.history.host_look import OUTLIER, UNREACHABLE
from edgectl.ops.health.history.snoozing import Snoozes
from edgectl.ops.health.history.states import is_flapping
from edgectl.ops.health.places import places
from edgectl.report import Line, Tone

_TONES = {Severity.CRITICAL: Tone.BAD, Severity.WARNING: Tone.NOTICE}
# More places or details than this are a matter for -o json.
_DETAILS = 2
_SHOWN = 5
_WORD = 8


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told beside the hosts: the fleet's view, what is snoozed, when one flaps, and the moment it is told."""

    view: FleetView
    snoozes: Snoozes
    policies: StatePolicies
    at: datetime


@dataclass(frozen=True, slots=True)
class _Told:
    """One finding at one host."""

    host: Examined
    found: Finding
    phase: Phase
    state: HealthState | None

    @property
    def place(self) -> tuple[str, str]:
        return self.host.outcome.host, self.found.label


def finding_lines(examined: Sequence[Examined], telling: Telling) -> list[Line]:
    """Return all lines about findings; none where nothing was found."""
    told = [_told(host, found) for host in examined for found in host.findings]
    awake = [one for one in told if telling.snoozes.snoozed(one.place[0], one.found.id) is None]
    in_force = [one for one in awake if _counts(one, telling)]
    return [
        *_groups([one for one in in_force if not one.found.because], telling),
        *_following([one for one in in_force if one.found.because]),
        *_where_to_read(in_force),
        *_outliers(examined, telling.view.outliers),
        *_not_yet([one for one in awake if not _counts(one, telling)]),
        *_away(telling.view.incidents),
        *_snoozed(told, telling),
        *_watched(examined),
        *_cleared(examined),
        *_moved(examined),
    ]


def has_alarm(examined: Sequence[Examined]) -> bool:
    """Tell whether anything was found, snoozed or not."""
    return any(host.findings for host in examined)


def _told(host: Examined, found: Finding) -> _Told:
    state = host.look.state(found) if host.look is not None else None
    return _Told(host, found, host.phase(found), state)


def _counts(one: _Told, telling: Telling) -> bool:
    """Tell whether a finding is told as such: by enough looks at its host, or by many hosts at once."""
    host, label = one.place
    return one.phase is not Phase.SEEN or telling.view.incident_of(host, one.found.id, label) is not None


def _groups(told: Sequence[_Told], telling: Telling) -> Iterator[Line]:
    """Yield a line per severity and finding, and below it what to do; the most frequent first."""
    groups: dict[tuple[Severity, str], list[_Told]] = defaultdict(list)
    for one in told:
        groups[one.found.severity, one.found.id].append(one)
    width = max((len(name) for _, name in groups), default=0)
    for severity in (Severity.CRITICAL, Severity.WARNING):
        members = [(name, group) for (level, name), group in groups.items() if level is severity]
        members.sort(key=lambda member: (-len(member[1]), member[0]))
        for number, (name, group) in enumerate(members):
            word = severity.value if number == 0 else ""
            head = f"  {word:<{_WORD}} {len(group):>5}   {name:<{width}}   "
            yield from _group(head, group, telling)


def _group(head: str, group: Sequence[_Told], telling: Telling) -> Iterator[Line]:
    """Yield the lines of one finding: each incident with its hosts folded under it, then the other places."""
    tone, indent = _TONES[group[0].found.severity], " " * len(head)
    by_incident: dict[str, list[_Told]] = defaultdict(list)
    rest: list[_Told] = []
    for one in group:
        incident = telling.view.incident_of(one.place[0], one.found.id, one.found.label)
        (by_incident[incident.id] if incident else rest).append(one)
    known = {incident.id: incident for incident in telling.view.incidents}
    starts = [head, *([indent] * len(by_incident))]
    for start, (name, members) in zip(starts, by_incident.items(), strict=False):
        yield Line(f"{start}{_one_cause(known[name], members, telling)}".rstrip(), tone)
        yield Line(f"{indent}{_next(members)}   edgectl health explain {name}", Tone.QUIET)
    if rest:
        said = "   ".join(filter(None, (places(one.place for one in rest), _details(rest))))
        yield Line(f"{starts[len(by_incident)]}{said}{_ages(rest, telling)}".rstrip(), tone)
        yield Line(f"{indent}{_next(rest)}", Tone.QUIET)


def _one_cause(incident: Incident, members: Sequence[_Told], telling: Telling) -> str:
    hosts = {one.place[0] for one in members}
    where = abridged(sorted(hosts), characters=60)
    if incident.factor == EVERYWHERE:
        head = f"{len(hosts):,} of {incident.of:,} hosts: {incident.suspect}"
    else:
        head = f"{len(members):,} in {where}: one cause, {incident.suspect}"
    return f"{head}{_ages(members, telling)}"


def _ages(group: Sequence[_Told], telling: Telling) -> str:
    """Return since when it is so, where an earlier look could have found it."""
    states = [one.state for one in group if one.state is not None and one.host.is_known]
    if not states:
        return ""
    new = [state for state in states if (telling.at - state.since).total_seconds() < 1 or state.looks == 1]
    old = [state for state in states if state not in new]
    flapping = any(is_flapping(state.looks, telling.policies) for state in states)
    words = [
        "new" if new and not old else f"{len(new)} new" if new else "",
        f"for {age(min(state.since for state in old), telling.at)}" if old else "",
        "flapping" if flapping else "",
    ]
    return "   · " + ", ".join(word for word in words if word)


def _details(group: Sequence[_Told]) -> str:
    details = list(dict.fromkeys(one.found.detail for one in group if one.found.detail))
    if len(details) <= _DETAILS:
        return " · ".join(details)
    return f"{' · '.join(details[:_DETAILS])} · …"


def _next(group: Sequence[_Told]) -> str:
    actions = list(dict.fromkeys(one.found.action for one in group))
    return actions[0] if len(actions) == 1 else "each host has its own next step: -o json"


def _where_to_read(told: Sequence[_Told]) -> Iterator[Line]:
    if told:
        worst = min(told, key=lambda one: one.found.severity is not Severity.CRITICAL).found
        said = f"  why, who says so and what clears it: edgectl health explain {worst.id}"
        yield Line(said, Tone.QUIET)


def _outliers(examined: Sequence[Examined], outliers: Sequence[Outlier]) -> Iterator[Line]:
    """Yield a line per card that differs from its peers often enough to count."""
    looks = {host.outcome.host: host.look for host in examined}
    shown: list[Outlier] = []
    for one in outliers:
        look = looks[one.card.host]
        state = look.states.get((one.card.card, one.metric.finding)) if look is not None else None
        if state is None or state.is_in_force:
            shown.append(one)
    for one in shown[:_SHOWN]:
        where = f"{one.card.host}:{one.card.label}"
        yield Line(
            _entry("outlier", 1, one.metric.finding.removeprefix(OUTLIER), f"{where}   {one}"), Tone.NOTICE
        )
    if len(shown) > _SHOWN:
        yield Line(_entry("", len(shown) - _SHOWN, "more", "-o json has them"), Tone.QUIET)


def _not_yet(told: Sequence[_Told]) -> Iterator[Line]:
    for name, group in _by_name(told):
        where = places(one.place for one in group)
        yield Line(_entry("seen", len(group), name, f"{where}   not at enough looks to count"), Tone.QUIET)


def _following(told: Sequence[_Told]) -> Iterator[Line]:
    """Yield what only comes with another finding of its GPU: nothing is to be done about it by itself."""
    for name, group in _by_name(told):
        causes = ", ".join(dict.fromkeys(one.found.because for one in group))
        where = places(one.place for one in group)
        yield Line(_entry("with", len(group), name, f"{where}   comes with {causes}"), Tone.QUIET)


def _away(incidents: Iterable[Incident]) -> Iterator[Line]:
    for one in incidents:
        if UNREACHABLE in one.findings:
            hosts = sorted(one.hosts)
            said = f"{len(hosts)} of {one.of} in {one.factor} {one.value}: {one.suspect}"
            told = f"{said}   edgectl health explain {one.id}"
            yield Line(_entry("away", len(hosts), "unreachable", told), Tone.BAD)


def _snoozed(told: Sequence[_Told], telling: Telling) -> Iterator[Line]:
    groups: dict[tuple[str, str, str], list[_Told]] = defaultdict(list)
    for one in told:
        snooze = telling.snoozes.snoozed(one.place[0], one.found.id)
        if snooze is not None:
            why = f"until {snooze.until:%Y-%m-%d %H:%M} UTC, {snooze.by}: {snooze.reason}"
            groups[one.found.id, why, ""].append(one)
    for (name, why, _), group in groups.items():
        where = places(one.place for one in group)
        yield Line(_entry("snoozed", len(group), name, f"{where}   {why}"), Tone.QUIET)


def _watched(examined: Sequence[Examined]) -> Iterator[Line]:
    hosts: dict[str, set[str]] = defaultdict(set)
    for host in examined:
        for found in host.watched:
            hosts[found.id].add(host.outcome.host)
    for name, names in sorted(hosts.items()):
        plural = "host" if len(names) == 1 else "hosts"
        yield Line(
            _entry("shadow", len(names), name, f"would have fired on {len(names)} {plural}"), Tone.QUIET
        )


def _cleared(examined: Sequence[Examined]) -> Iterator[Line]:
    """Yield what went since the looks before, and by what."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for host in examined:
        for change in host.look.changes if host.look is not None else ():
            if change.turn is Turn.CLEARED:
                groups[change.finding, change.why].append((change.host, change.label))
    for (name, why), where in groups.items():
        yield Line(_entry("cleared", len(where), name, f"{places(where)}   {why}"), Tone.GOOD)


def _moved(examined: Sequence[Examined]) -> Iterator[Line]:
    moves = [(host, move) for host in examined if host.look is not None for move in host.look.moved]
    for host, move in moves[:_SHOWN]:
        was = f"{move.was.host} {move.was.slot}"
        serial = f"serial {move.was.serial}, " if move.was.serial else ""
        said = f"{host.outcome.host}:{move.label}   {serial}was at {was}; its history came with it"
        yield Line(_entry("moved", 1, "card", said), Tone.NOTICE)
    if len(moves) > _SHOWN:
        yield Line(_entry("", len(moves) - _SHOWN, "more", "-o json has them"), Tone.QUIET)


def _by_name(told: Sequence[_Told]) -> list[tuple[str, list[_Told]]]:
    groups: dict[str, list[_Told]] = defaultdict(list)
    for one in told:
        groups[one.found.id].append(one)
    return sorted(groups.items())


def _entry(word: str, count: int, name: str, said: str) -> str:
    return f"  {word:<{_WORD}} {count:>5}   {name}   {said}"
