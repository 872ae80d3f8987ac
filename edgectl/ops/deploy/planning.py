"""`deploy plan`: which hosts would serve a release, which would not, and why; folded, or for any one host."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from edgectl.catalog.hardware import Catalog
from edgectl.errors import ExitCode, InputError
from edgectl.inventory.fold import abridged, folded
from edgectl.ops.deploy.capacity import IN_GPUS, Capacity, capacity_of
from edgectl.ops.deploy.fit_told import as_data, headline, parts
from edgectl.ops.deploy.lock import Lock
from edgectl.ops.deploy.lock import as_data as lock_data
from edgectl.ops.deploy.placement import Decision, Placement, Verdict, away, few, objections, place
from edgectl.ops.deploy.survey import Survey, survey
from edgectl.ops.services import Services
from edgectl.report import HostEntry, Line, Report, Tone

_NAMES = 60
_STATUS = {
    Verdict.ADD: "changed",
    Verdict.STAY: "ok",
    Verdict.SURPLUS: "skipped",
    Verdict.OUT: "skipped",
    Verdict.SPARE: "skipped",
    Verdict.NOT: "skipped",
}
_TONES = {
    Verdict.ADD: Tone.GOOD,
    Verdict.STAY: Tone.PLAIN,
    Verdict.SURPLUS: Tone.NOTICE,
    Verdict.OUT: Tone.NOTICE,
    Verdict.SPARE: Tone.QUIET,
    Verdict.NOT: Tone.QUIET,
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A survey and what was decided of it; `capacity` is what a floor is counted in, where there is one."""

    survey: Survey
    placement: Placement
    capacity: Capacity = IN_GPUS

    @property
    def release(self) -> str:
        """The release that is to be in force."""
        return self.survey.lock.release

    @property
    def hosts(self) -> Sequence[str]:
        """The hosts that are to serve it."""
        return self.placement.hosts


def plan_placement(services: Services, lock: Lock, catalog: Catalog) -> Planned:
    """Decide for every host whether it is to serve a locked service."""
    found = survey(services, lock, catalog)
    placed = place(found.demand, found.nodes)
    if lock.spec.strategy.floor is None:
        return Planned(found, placed)
    return Planned(found, placed, capacity_of(services, lock_data(lock), placed.hosts))


def plan_report(planned: Planned, now: datetime, explain: str | None = None) -> Report:
    """Tell a plan; exit 6 where a place lacks replicas. `explain` names the one host that is told in full."""
    lines = list(plan_lines(planned)) if explain is None else list(_explained(planned, explain))
    entries = tuple(_entry(planned, one) for one in planned.placement.decisions)
    code = ExitCode.STOPPED if planned.placement.short or not planned.hosts else ExitCode.DONE
    data = {
        "release": planned.release,
        "short": dict(planned.placement.short),
        "gpus": {gpu: as_data(one) for gpu, one in planned.survey.fits.items()},
    }
    return Report("deploy plan", now, 0.0, code, hosts=entries, data=data, body=lines)


def _entry(planned: Planned, one: Decision) -> HostEntry:
    data = {"verdict": one.verdict.value, "serves": one.node.serves, "gpus": list(one.gpus)}
    moves = one.verdict is Verdict.STAY and one.node.serves != planned.release
    status = "changed" if moves else _STATUS[one.verdict]
    return HostEntry(one.node.name, one.node.pop, status, one.why, data=data)


def plan_lines(planned: Planned) -> Iterator[Line]:
    """Yield a plan for a person: a headline, the bytes, and each group of hosts of which the same is said."""
    yield Line(headline(planned.survey.lock, planned.survey.need))
    yield from _bytes(planned)
    yield from floor_lines(planned)
    groups: dict[tuple[Verdict, str], list[Decision]] = defaultdict(list)
    for one in planned.placement.decisions:
        groups[one.verdict, _said(planned, one)].append(one)
    order = list(Verdict)
    for (verdict, why), members in sorted(
        groups.items(), key=lambda pair: (order.index(pair[0][0]), -len(pair[1]))
    ):
        names = abridged([one.node.name for one in members], _NAMES)
        where = _where(planned, members)
        yield Line(f"  {verdict.value:<7} {len(members):>6,}  {names}   {where}{why}", _TONES[verdict])
    yield from surplus_lines(planned)
    yield from _short(planned)


def surplus_lines(planned: Planned) -> Iterator[Line]:
    """Yield what drains hosts that serve it and are not to, since `deploy apply` leaves them as they are."""
    names = [one.node.name for one in planned.placement.decisions if one.verdict is Verdict.SURPLUS]
    if names:
        said = f"  deploy apply leaves {abridged(names)} as found; to take the load away:"
        yield Line(said, Tone.NOTICE)
        service, hosts = planned.survey.demand.service, folded(names)
        # What cannot be read is not typed either.
        typed = hosts if hosts == abridged(names) else "HOSTS, which edgectl deploy plan -o json names"
        yield Line(f"    edgectl deploy drain {service} {typed}", Tone.QUIET)


def _where(planned: Planned, members: Sequence[Decision]) -> str:
    """Tell where hosts are that may not have the data, the most of them first; '' for others."""
    places = Counter(_away(planned, one)[0] for one in members)
    named = [place for place, _ in places.most_common() if place]
    return f"is in {few(named)}, " if named else ""


def _away(planned: Planned, one: Decision) -> tuple[str, str]:
    where, kept = away(planned.survey.demand, one.node)
    return (where, kept) if kept and one.why.endswith(kept) else ("", "")


def floor_lines(planned: Planned) -> Iterator[Line]:
    """Yield what stays in service of each place, and in what that is counted; nothing without a floor."""
    floor = planned.survey.lock.spec.strategy.floor
    if floor is not None:
        keep = f"{floor.keep:.0%}" if isinstance(floor.keep, float) else f"{floor.keep} hosts"
        yield Line(f"  floor   {keep} of each {floor.per.value}, in {planned.capacity.said}", Tone.QUIET)


def _said(planned: Planned, one: Decision) -> str:
    """Return what is said of a host, and of every other one of which that is said; not where it is."""
    _, kept = _away(planned, one)
    if kept:
        return kept
    if one.verdict is not Verdict.STAY:
        return one.why
    serves = one.node.serves
    return "serves it already" if serves == planned.release else f"{serves} → {planned.release}"


def _bytes(planned: Planned) -> Iterator[Line]:
    size = planned.survey.need.disk_bytes
    there = {one.node.pop for one in planned.placement.decisions if one.node.serves == planned.release}
    wanted = {
        one.node.pop for one in planned.placement.decisions if one.verdict in (Verdict.ADD, Verdict.STAY)
    }
    pops = len(wanted - there)
    if size and pops:
        plural = "copies" if pops != 1 else "copy"
        yield Line(
            f"  weights {size / 1e9:,.1f} GB, {pops:,} {plural} over the WAN: {size * pops / 1e9:,.1f} GB",
            Tone.QUIET,
        )


def _short(planned: Planned) -> Iterator[Line]:
    short = planned.placement.short
    if not planned.hosts:
        yield Line("  no host may serve it", Tone.BAD)
    if not short:
        return
    lacking = sum(short.values())
    where = abridged([name for name in short if name], _NAMES)
    per = planned.survey.demand.place.per.value
    said = f"  short   {lacking:>6,}  {'replica' if lacking == 1 else 'replicas'}"
    yield Line(f"{said} in {len(short):,} {per}s: {where}" if where else said, Tone.BAD)


def _explained(planned: Planned, host: str) -> Iterator[Line]:
    """Yield everything that is known of one host: what was decided, all that speaks against it, its memory."""
    found = next((one for one in planned.placement.decisions if one.node.name == host), None)
    if found is None:
        said = f"'{host}' is not of '{planned.survey.demand.place.pattern}', and serves nothing of it"
        raise InputError(said, hint=f"edgectl inventory list '{planned.survey.demand.place.pattern}'")
    node, fits = found.node, planned.survey.fits.get(found.node.gpu)
    yield Line(headline(planned.survey.lock, planned.survey.need))
    yield Line(f"  {host}   {found.verdict.value}: {found.why}", _TONES[found.verdict])
    stage = node.stage.value if node.stage else "on no record"
    where = " · ".join(part for part in (node.pop, node.metro, node.region, node.country) if part)
    yield Line(
        f"    place   {where}{f' · of {node.tenant}' if node.tenant else ''} · stage {stage}", Tone.QUIET
    )
    free = "not known" if node.free is None else f"{node.free} of its GPUs free"
    gets = f" · it gets {', '.join(found.gpus)}" if found.gpus else ""
    yield Line(
        f"    gpu     {node.gpu or 'not known'} · {free} · {planned.survey.need.gpus} wanted{gets}",
        Tone.QUIET,
    )
    if fits is not None:
        yield Line(f"    memory  {parts(fits)}", Tone.QUIET)
    for said in objections(planned.survey.demand, node):
        yield Line(f"    against {said}", Tone.NOTICE)
    yield Line(f"    serves  {node.serves or 'nothing of it'}", Tone.QUIET)
