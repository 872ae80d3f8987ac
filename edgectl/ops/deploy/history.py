"""`deploy history` and `deploy diff`: what was done to a service, by whom, and what differs between two releases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgectl.complaints import did_you_mean
from edgectl.engine.service_records import ReleaseRecord, ServiceChange, Turn
from edgectl.errors import ExitCode, InputError
from edgectl.inventory.fold import abridged
from edgectl.inventory.pattern import select_names
from edgectl.ops.deploy.lock import differences
from edgectl.ops.services import Services
from edgectl.report import Line, Report, Table, Tone

_NAMES = 48
_COLUMNS = ["when", "what", "release", ">hosts", "where", "by", "run", "why"]


def history(services: Services, service: str, select: str | None, limit: int) -> Report:
    """Tell what was done to a service, the latest first; equal things that one run did are one row."""
    hosts = None if select is None else frozenset(select_names(services.fleet, select))
    changes = services.deployed.changes(service, hosts)
    if not changes:
        known = {one.service for one in services.deployed.serving()}
        where = f" at {select}" if select else ""
        raise InputError(
            f"nothing is on record of the service '{service}'{where}{did_you_mean(service, known)}"
        )
    rows = list(_rows(changes))[:limit]
    data = {"changes": [_change(one) for one in changes]}
    now = services.clock.now()
    return Report("deploy history", now, 0.0, ExitCode.DONE, data=data, body=[Table(_COLUMNS, rows)])


def _rows(changes: Sequence[ServiceChange]) -> Iterator[list[str]]:
    groups: dict[tuple[str, str, Turn, str, str, str], list[ServiceChange]] = defaultdict(list)
    for one in changes:
        groups[one.run, one.by, one.turn, one.release, one.tried, one.reason].append(one)
    for (run, by, turn, release, tried, reason), same in sorted(
        groups.items(), key=lambda pair: max(one.at for one in pair[1]), reverse=True
    ):
        when = max(one.at for one in same)
        what = f"{tried} → {release or 'nothing'}" if tried and tried != release else release or "nothing"
        names = abridged([one.host for one in same], _NAMES)
        yield [f"{when:%Y-%m-%d %H:%M} UTC", turn.value, what, f"{len(same):,}", names, by, run[:12], reason]


def _change(one: ServiceChange) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(),
        "host": one.host,
        "turn": one.turn.value,
        "release": one.release,
        "tried": one.tried,
        "by": one.by,
        "run": one.run,
        "reason": one.reason,
    }


def diff(
    services: Services, service: str, before: str | None, after: str | None, wanted: Mapping[str, Any] | None
) -> Report:
    """Tell what differs between two releases: by default from the one that most hosts serve to the one `wanted`."""
    known = {one.release: one for one in services.deployed.releases(service)}
    first = _lock_of(service, known, before or _in_force(services, service))
    if after is not None:
        second: Mapping[str, Any] = _lock_of(service, known, after)
    elif wanted is not None:
        second = wanted
    else:
        raise InputError(f"'{service}' has no specification to compare with; name two releases")
    found = list(differences(first, second))
    title = f"{service}  {first['release']} → {second['release']}"
    body = [Line(title), *[Line(f"  {line}", Tone.NOTICE) for line in found]]
    if not found:
        body.append(Line("  nothing differs", Tone.QUIET))
    data = {"before": first["release"], "after": second["release"], "differences": found}
    return Report("deploy diff", services.clock.now(), 0.0, ExitCode.DONE, data=data, body=body)


def _in_force(services: Services, service: str) -> str:
    """Return the release that most hosts serve."""
    counts: dict[str, int] = defaultdict(int)
    for one in services.deployed.serving(service):
        counts[one.release] += bool(one.release)
    if not any(counts.values()):
        raise InputError(f"no host serves '{service}' by the record; name two releases")
    return max(sorted(counts), key=lambda release: counts[release])


def _lock_of(service: str, known: Mapping[str, ReleaseRecord], release: str) -> Mapping[str, Any]:
    if release not in known or not known[release].lock:
        raise InputError(f"no release '{release}' of '{service}' is on record{did_you_mean(release, known)}")
    return known[release].lock
