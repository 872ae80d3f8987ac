"""How hosts that did not end well are told: folded by reason, each with what to do next. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.errors import ExitCode
from edgectl.inventory.fold import folded
from edgectl.report import Line, Tone

_TONES = {
    HostStatus.OK: Tone.GOOD,
    HostStatus.CHANGED: Tone.NOTICE,
    HostStatus.FAILED: Tone.BAD,
    HostStatus.UNREACHABLE: Tone.BAD,
    HostStatus.UNKNOWN: Tone.BAD,
    HostStatus.BUSY: Tone.NOTICE,
    HostStatus.SKIPPED: Tone.QUIET,
    HostStatus.NOT_RUN: Tone.NOTICE,
}
# The order in which a person wants to read them.
_ORDER = (
    HostStatus.CHANGED,
    HostStatus.OK,
    HostStatus.SKIPPED,
    HostStatus.FAILED,
    HostStatus.UNKNOWN,
    HostStatus.UNREACHABLE,
    HostStatus.BUSY,
    HostStatus.NOT_RUN,
)
_WIDTH = 12
_DIFFERING = re.compile(r"\b(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|SHA256:\S+|0x[0-9a-f]+|[0-9a-f]{12,})")


def trouble(hosts: Iterable[HostOutcome]) -> list[Line]:
    """Return a line per distinct trouble, its hosts folded, and below it what to do."""
    groups: dict[tuple[HostStatus, str, str], list[HostOutcome]] = defaultdict(list)
    for host in hosts:
        if host.status not in (HostStatus.OK, HostStatus.CHANGED, HostStatus.SKIPPED):
            groups[host.status, host.failed_task or "", normalised(host.reason)].append(host)
    ordered = sorted(groups.items(), key=lambda group: (_ORDER.index(group[0][0]), -len(group[1])))
    return [line for (status, task, _), members in ordered for line in _group(status, task, members)]


def _group(status: HostStatus, task: str, members: Sequence[HostOutcome]) -> list[Line]:
    names = folded(member.host for member in members)
    reason = members[0].reason.strip()
    first, *rest = reason.splitlines() or [""]
    where = f"{task}: " if task else ""
    count = f"  ({len(members)})" if len(members) > 1 else ""
    word = status.value.replace("_", " ")
    lines = [Line(f"  {word:<{_WIDTH}} {names}{count}   {where}{first}", _TONES[status])]
    lines += [Line(f"  {'':<{_WIDTH}} {line}", Tone.QUIET) for line in rest[:5]]
    hints = {member.hint for member in members if member.hint}
    lines += [Line(f"  {'':<{_WIDTH}} try: {hint}", Tone.QUIET) for hint in sorted(hints)[:1]]
    return lines


def normalised(reason: str) -> str:
    """Return a reason without addresses, fingerprints and digests, so that equal troubles are one."""
    return _DIFFERING.sub("…", reason)


def closing(outcome: RunOutcome, code: ExitCode) -> list[Line]:
    """Return the last line: how many of what, how long, and the exit code where it is not 0."""
    counts = outcome.counts
    parts = [f"{counts[s]} {s.value.replace('_', ' ')}" for s in _ORDER if counts[s]]
    text = " · ".join([*parts, duration(outcome.seconds)])
    lines = [Line(f"stopped: {outcome.stopped}", Tone.BAD)] if outcome.stopped else []
    if code == ExitCode.DONE:
        return [*lines, Line(text)]
    return [*lines, Line(f"{text:<60} exit {int(code)}", Tone.BAD if code >= ExitCode.FAILED else Tone.PLAIN)]


def duration(seconds: float) -> str:
    """Return a time span as a person says it."""
    if seconds < 10:  # noqa: PLR2004 - tenths matter only below ten seconds
        return f"{seconds:.1f} s"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
