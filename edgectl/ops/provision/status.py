"""`provision status`: where the hosts of the fleet are in their lives, what is stuck there, and for how long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from edgectl.engine.lifecycle import Passage, Stage, is_stuck
from edgectl.errors import ExitCode, InputError
from edgectl.inventory.fold import abridged
from edgectl.inventory.pattern import select
from edgectl.ops.provision.plan import counted
from edgectl.ops.services import Services
from edgectl.report import HostEntry, Line, Report, Tone

_UNKNOWN = "on no record"
_NEXT = {
    Stage.FAILED: "edgectl provision {0}",
    Stage.PROVISIONING: "edgectl runs list --stuck",
    Stage.QUARANTINED: "edgectl provision mark {0} repair --reason …",
}
_NAMES_WIDTH = 34


def status(services: Services, pattern: str, limit: str | None) -> Report:
    """Fold the selected hosts by stage and reason; what is stuck stands first."""
    hosts = [host for host in select(services.fleet, pattern, limit=limit) if host.role == "gpu"]
    now = services.clock.now()
    known = services.lifecycles.current([host.name for host in hosts])
    entries = tuple(
        HostEntry(host.name, host.pop.name, "ok", data=_data(known.get(host.name), now)) for host in hosts
    )
    body = [
        Line(f"{counted(len(hosts), 'node')} in {counted(len({host.pop.name for host in hosts}), 'PoP')}"),
        *_lines([host.name for host in hosts], known, now),
    ]
    pops: dict[str, list[str]] = defaultdict(list)
    for host in hosts:
        pops[host.pop.name].append(host.name)
    derived = {pop: stage_of_place(names, known) for pop, names in pops.items()}
    return Report(
        "provision status", now, 0.0, ExitCode.DONE, hosts=entries, data={"pops": derived}, body=body
    )


def mark(services: Services, pattern: str, limit: str | None, stage: Stage, reason: str) -> Report:
    """Put a stage on record that a person knows of. Raises `InputError` where a host cannot come to it."""
    hosts = select(services.fleet, pattern, limit=limit)
    now = services.clock.now()
    passages = [Passage(host.name, stage, now, services.started_by, reason) for host in hosts]
    before = services.lifecycles.current([host.name for host in hosts])
    refused = services.lifecycles.record(passages, by_hand=True)
    if refused:
        ways = sorted({f"{before[one.host].stage.value} → {stage.value}" for one in refused})
        names = abridged([one.host for one in refused])
        raise InputError(f"no host goes from {', '.join(ways)}: {names}", hint="edgectl provision status")
    line = Line(
        f"{len(hosts):,} hosts are {stage.value}: {abridged([host.name for host in hosts])}", Tone.GOOD
    )
    return Report("provision mark", now, 0.0, ExitCode.DONE, body=[line])


def stage_of_place(names: Collection[str], known: Mapping[str, Passage]) -> str:
    """Return the stage of a PoP, a rack or a metro: the one that its hosts share, else `mixed`."""
    stages = {known[name].stage.value if name in known else _UNKNOWN for name in names}
    return stages.pop() if len(stages) == 1 else "mixed"


def _data(passage: Passage | None, now: datetime) -> Mapping[str, Any]:
    if passage is None:
        return {"stage": None, "stuck": False}
    return {
        "stage": passage.stage.value,
        "since": passage.at.isoformat(),
        "by": passage.by,
        "reason": passage.reason,
        "run": passage.run,
        "stuck": is_stuck(passage, now),
    }


def _lines(names: Sequence[str], known: Mapping[str, Passage], now: datetime) -> list[Line]:
    groups: dict[tuple[bool, str, str], list[str]] = defaultdict(list)
    for name in names:
        passage = known.get(name)
        if passage is None:
            groups[(False, _UNKNOWN, "")].append(name)
        else:
            groups[(is_stuck(passage, now), passage.stage.value, passage.reason)].append(name)
    order = {stage.value: number for number, stage in enumerate(Stage)}
    ordered = sorted(groups.items(), key=lambda one: (not one[0][0], -order.get(one[0][1], -1), -len(one[1])))
    lines = []
    for (stuck, stage, reason), hosts in ordered:
        since = min((known[name].at for name in hosts if name in known), default=None)
        age = "" if since is None else _age((now - since).total_seconds())
        bad = stuck or stage in (Stage.FAILED, Stage.QUARANTINED)
        folded = abridged(hosts)
        text = f"  {len(hosts):>6,}  {stage:<12}  {folded:<{_NAMES_WIDTH}}  {'stuck ' if stuck else ''}{age}"
        lines.append(Line(text.rstrip(), Tone.BAD if bad else Tone.PLAIN))
        if reason and bad:
            lines.append(Line(f"          {reason}", Tone.QUIET))
        if bad and stage in _NEXT:
            lines.append(Line(f"          {_NEXT[Stage(stage)].format(hosts[0])}", Tone.QUIET))
    return lines


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
