"""How hosts that did not end well are told: folded by reason, each with what to do next. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.errors import ExitCode
from edgectl.inventory.fold import abridged
from edgectl.ops.alike import Group, troubled
from edgectl.ops.clusters.comparison import NO_COMPARISON, Comparison, as_data, explained
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
# Of a reason's further lines so many are shown.
_MORE_LINES = 5


def trouble(hosts: Iterable[HostOutcome], comparison: Comparison = NO_COMPARISON) -> list[Line]:
    """Return a line per distinct trouble, its hosts folded, and below it what they have in common and what to do."""
    ordered = sorted(troubled(hosts), key=lambda group: (_ORDER.index(group.status), -len(group.members)))
    return [line for group in ordered for line in _group(group, comparison)]


def clusters(hosts: Iterable[HostOutcome], comparison: Comparison) -> list[dict[str, Any]]:
    """Return what the hosts of each distinct trouble have in common, for the report's `data.clusters`."""
    found = [(group, comparison.separation(group.names())) for group in troubled(hosts)]
    return [
        as_data(
            cluster,
            group.names(),
            status=group.status.value,
            failed_task=group.task or None,
            reason=group.reason,
        )
        for group, cluster in found
        if cluster is not None
    ]


def _group(group: Group, comparison: Comparison) -> list[Line]:
    names = abridged(group.names())
    first, *rest = group.reason.strip().splitlines() or [""]
    where = f"{group.task}: " if group.task else ""
    count = f"  ({len(group.members):,})" if len(group.members) > 1 else ""
    word = group.status.value.replace("_", " ")
    lines = [Line(f"  {word:<{_WIDTH}} {names}{count}   {where}{first}", _TONES[group.status])]
    lines += [Line(f"  {'':<{_WIDTH}} {line}", Tone.QUIET) for line in rest[:_MORE_LINES]]
    lines += common_to(group.names(), comparison)
    hints = {member.hint for member in group.members if member.hint}
    lines += [Line(f"  {'':<{_WIDTH}} try: {hint}", Tone.QUIET) for hint in sorted(hints)[:1]]
    return lines


def common_to(failed: Collection[str], comparison: Comparison) -> list[Line]:
    """Return the line that says what hosts that failed alike have in common, where there is something."""
    found = comparison.separation(failed)
    return [] if found is None else [Line(f"  {'':<{_WIDTH}} {explained(found)}", Tone.NOTICE)]


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
