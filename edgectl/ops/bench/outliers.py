"""`bench show --outliers`: which nodes differ from others of their kind, or from what they were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from edgectl.errors import ExitCode
from edgectl.inventory.fold import folded
from edgectl.inventory.model import Host
from edgectl.inventory.pattern import select as select_hosts
from edgectl.ops.bench.drawing import percent
from edgectl.ops.bench.suspects import Compared, Suspect, compare_fleet
from edgectl.ops.services import Services
from edgectl.report import Check, Line, Metric, Report, Table, Tone


def show_outliers(services: Services, select: str | None, limit: str | None, days: int) -> Report:
    """Tell who is worse than others of its kind, or than it was, by the last measurement of each load."""
    hosts = _selected(services, select, limit)
    since = services.clock.now() - timedelta(days=days)
    records = services.bench.of_subjects(list(hosts), since)
    compared = compare_fleet(records, {name: _places(host) for name, host in hosts.items()})
    measured = {record.subject for record in records}
    named = {suspect.reading.subject for suspect in compared.suspects}
    missing = [name for name in hosts if name not in measured]
    return Report(
        "bench show",
        services.clock.now(),
        0.0,
        ExitCode.DONE,
        data={
            "outliers": [_suspect_data(suspect) for suspect in compared.suspects],
            "measured": sorted(measured),
            "without_peers": sorted(measured - compared.with_peers),
        },
        body=_outlier_lines(compared, measured, missing, days),
        checks=[_check(name, compared.suspects) for name in sorted(measured)],
        metrics=[
            Metric(
                "edgectl_bench_outlier",
                "1 where a node is worse than its peers.",
                float(name in named),
                {"host": name},
            )
            for name in sorted(measured)
        ],
    )


def _selected(services: Services, select: str | None, limit: str | None) -> dict[str, Host]:
    chosen = {host.name: host for host in select_hosts(services.fleet, select or "all")}
    if limit is None:
        return chosen
    wanted = {host.name for host in select_hosts(services.fleet, limit)}
    return {name: host for name, host in chosen.items() if name in wanted}


def _places(host: Host) -> dict[str, str]:
    named = {"pop": host.pop.name, "metro": host.pop.metro, "region": host.pop.region}
    return {name: place for name, place in named.items() if place}


def _outlier_lines(
    compared: Compared, measured: set[str], missing: Sequence[str], days: int
) -> list[Line | Table]:
    if not measured:
        return [Line(f"no node was measured within {days} days: edgectl bench run SELECT --profile quick")]
    named = [list(found) for _, found in groupby(compared.suspects, key=lambda one: one.reading.subject)]
    count = len(named)
    lines: list[Line | Table] = [
        Line(f"{len(measured):,} nodes measured, {count} {'differs' if count == 1 else 'differ'}")
    ]
    for found in named:
        lines += _about(found)
    alone = sorted(measured - compared.with_peers)
    if alone:
        lines.append(Line(f"  too few peers to compare with: {folded(alone)}", Tone.NOTICE))
    if missing:
        lines.append(Line(f"  not measured within {days} days: {folded(missing)}", Tone.QUIET))
    return lines


def _about(found: Sequence[Suspect]) -> list[Line | Table]:
    """Return what is told of one node: whom it differs from, in which figures, and where to look."""
    subject, kind = found[0].reading.subject, found[0].reading.kind_shown
    lines: list[Line | Table] = [
        Line(f"  {subject}  {_said([one for one in found if one.others == others])}", Tone.BAD)
        for others in dict.fromkeys(suspect.others for suspect in found)
    ]
    look = f"      {kind}; clocks, power limit, links, neighbours: edgectl health {subject}"
    return [*lines, Line(look, Tone.QUIET)]


def _said(found: Sequence[Suspect]) -> str:
    """Return how one node differs from the same others, the figure that differs most first."""
    worst = max(suspect.worse for suspect in found)
    figures = ", ".join(
        f"{one.figure.shown} {one.figure.quantity(one.value)} ({one.figure.quantity(one.peers.usual)})"
        for one in found
    )
    return f"{percent(worst)} worse than {found[0].others}: {figures}"


def _check(host: str, suspects: Sequence[Suspect]) -> Check:
    found = [suspect for suspect in suspects if suspect.reading.subject == host]
    said = [
        _said([one for one in found if one.others == others])
        for others in dict.fromkeys(one.others for one in found)
    ]
    return Check("outlier", host, "warning" if found else "ok", "; ".join(said))


def _suspect_data(suspect: Suspect) -> dict[str, object]:
    return {
        "host": suspect.reading.subject,
        "figure": suspect.figure.name,
        "value": suspect.value,
        "usual": suspect.peers.usual,
        "spread": suspect.peers.spread,
        "worse": round(suspect.worse, 4),
        "others": suspect.others,
        "at": suspect.reading.at.isoformat(),
    }


def _metric(host: str, *, is_worse: bool) -> Metric:
    said = "1 where a node is worse than its peers, or than it was."
    return Metric("edgectl_bench_outlier", said, float(is_worse), {"host": host})
