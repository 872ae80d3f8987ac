"""`deploy status`: what runs where by the record, and how that differs from what the specifications want."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.catalog.hardware import Catalog
from edgectl.engine.service_records import ServiceChange, Turn
from edgectl.errors import EdgectlError, ExitCode
from edgectl.inventory.fold import abridged
from edgectl.ops.deploy.holding import held_lines
from edgectl.ops.deploy.lock import locked
from edgectl.ops.deploy.placement import Verdict
from edgectl.ops.deploy.planning import Planned, plan_placement
from edgectl.ops.deploy.spec import load_spec
from edgectl.ops.services import Services
from edgectl.report import HostEntry, Line, Report, Tone

_NAMES = 60
_OUT = (Turn.DRAINED, Turn.QUARANTINED)
_TONES = {
    Turn.FAILED: Tone.BAD,
    Turn.QUARANTINED: Tone.BAD,
    Turn.ROLLED_BACK: Tone.NOTICE,
    Turn.DRAINED: Tone.NOTICE,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One service: the latest change of each of its hosts, its plan, or why there is none, and what is to be done."""

    service: str
    changes: Sequence[ServiceChange]
    planned: Planned | None = None
    unplanned: str = ""
    drift: Mapping[str, str] = field(default_factory=dict)


def _drift(planned: Planned) -> dict[str, str]:
    """Return what is to be done at each host that is not as the specification wants it."""
    found = {}
    for one in planned.placement.decisions:
        if one.verdict in (Verdict.ADD, Verdict.SURPLUS):
            found[one.node.name] = one.verdict.value
        elif one.verdict is Verdict.STAY and one.node.serves != planned.release:
            found[one.node.name] = "update"
    return found


def status(services: Services, specs: Mapping[str, Path], catalog: Catalog, service: str | None) -> Report:
    """Tell each service that is on record or has a specification, or one of them; no host is asked."""
    by_service: dict[str, list[ServiceChange]] = defaultdict(list)
    for change in services.deployed.serving(service):
        by_service[change.service].append(change)
    names = sorted({*by_service, *specs} if service is None else {service})
    standings = [_standing(services, name, by_service[name], specs.get(name), catalog) for name in names]
    body = [line for standing in standings for line in _lines(services, standing)]
    body += [Line(f"  held   {said}", Tone.NOTICE) for said in held_lines(services)]
    entries = tuple(_entry(services, standing, one) for standing in standings for one in standing.changes)
    data = {"services": {standing.service: _data(services, standing) for standing in standings}}
    now = services.clock.now()
    return Report("deploy status", now, 0.0, ExitCode.DONE, hosts=entries, data=data, body=body)


def _standing(
    services: Services, name: str, changes: Sequence[ServiceChange], path: Path | None, catalog: Catalog
) -> Standing:
    """Plan a service afresh; one that cannot be planned is told with the reason."""
    if path is None:
        return Standing(name, changes, unplanned="no specification of the inventory says so any more")
    try:
        planned = plan_placement(services, locked(load_spec(path), path), catalog)
    except EdgectlError as error:
        return Standing(name, changes, unplanned=error.message.splitlines()[0])
    return Standing(name, changes, planned, drift=_drift(planned))


def _lines(services: Services, standing: Standing) -> Iterator[Line]:
    serving = [one for one in standing.changes if one.release]
    wanted = standing.planned.release if standing.planned else ""
    in_step = sum(one.release == wanted for one in serving)
    said = f"{in_step:,} of {len(standing.planned.hosts):,} hosts serve it" if standing.planned else ""
    yield Line(f"{standing.service}   {f'{wanted} is wanted, {said}' if wanted else standing.unplanned}")
    groups: dict[tuple[str, Turn, str], list[ServiceChange]] = defaultdict(list)
    for one in standing.changes:
        groups[one.release, one.turn, one.reason].append(one)
    for (release, turn, reason), changes in sorted(groups.items(), key=lambda pair: -len(pair[1])):
        names = abridged([one.host for one in changes], _NAMES)
        why = f": {reason}" if reason else ""
        since = max(one.at for one in changes)
        yield Line(
            f"  {release or 'nothing':<12} {len(changes):>6,}  {names}   {turn.value}{why}, {since:%Y-%m-%d %H:%M} UTC",
            _TONES.get(turn, Tone.PLAIN),
        )
    yield from _drift_lines(services, standing)


def _drift_lines(services: Services, standing: Standing) -> Iterator[Line]:
    """Yield what is to be done, with the PoPs where it is; places in step are not named."""
    drift = standing.drift
    for what, said in (("add", "to add"), ("update", "to update"), ("surplus", "surplus")):
        names = [name for name, one in drift.items() if one == what]
        if names:
            pops = sorted({services.fleet.kinds[name].pop.name for name in names})
            plural = "PoP" if len(pops) == 1 else "PoPs"
            where = f"{len(pops):,} {plural}: {abridged(pops, _NAMES)}"
            yield Line(f"  drift        {len(names):,} {said} in {where}", Tone.NOTICE)
    if drift:
        yield Line(f"    edgectl deploy plan {standing.service}", Tone.QUIET)


def _entry(services: Services, standing: Standing, one: ServiceChange) -> HostEntry:
    kind = services.fleet.kinds.get(one.host)
    data = {
        "service": one.service,
        "release": one.release,
        "turn": one.turn.value,
        "since": one.at.isoformat(),
        "by": one.by,
        "drift": standing.drift.get(one.host, ""),
    }
    bad = one.turn in (Turn.FAILED, Turn.QUARANTINED)
    return HostEntry(
        one.host, kind.pop.name if kind else "", "failed" if bad else "ok", one.reason, data=data
    )


def _data(services: Services, standing: Standing) -> dict[str, object]:
    drift = standing.drift
    pops = Counter((services.fleet.kinds[name].pop.name, what) for name, what in drift.items())
    by_pop: dict[str, dict[str, int]] = defaultdict(dict)
    for (pop, what), count in sorted(pops.items()):
        by_pop[pop][what] = count
    return {
        "wanted": standing.planned.release if standing.planned else None,
        "unplanned": standing.unplanned,
        "releases": dict(Counter(one.release for one in standing.changes if one.release)),
        "out": sorted(one.host for one in standing.changes if one.turn in _OUT),
        "drift": by_pop,
    }
