"""The report as a Nagios plugin's line: state, figures, then what is wrong.

Source of the form and of the codes 0 to 3: nagios-plugins.org, development guidelines.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import IO

from edgectl.inventory.fold import abridged
from edgectl.ops.alike import normalised
from edgectl.output.visible import visible
from edgectl.report import Check, Report

OK, WARNING, CRITICAL, UNKNOWN = range(4)
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_LINES = 20


def render(report: Report, stream: IO[str]) -> None:
    """Write the plugin output; the exit code is `code_of`."""
    counts = Counter(check.status for check in report.checks)
    figures = f"ok={counts['ok']} warning={counts['warning']} critical={counts['failed']}"
    summary = f"{len(report.hosts)} hosts, {counts['failed']} critical, {counts['warning']} warnings"
    if counts["unknown"]:
        summary += f", {counts['unknown']} unknown"
    stream.write(f"EDGECTL {_WORDS[code_of(report)]} - {summary} | {figures} unknown={counts['unknown']}\n")
    wrong = [check for check in report.checks if check.status in ("failed", "warning", "unknown")]
    groups = _alike(wrong)
    for alike in groups[:_LINES]:
        stream.write(_one_line(_told(alike)) + "\n")
    if len(groups) > _LINES:
        stream.write(f"and {sum(map(len, groups[_LINES:]))} more\n")


def _alike(wrong: Sequence[Check]) -> list[list[Check]]:
    """Return checks that say the same of several hosts together, in the order in which each is met first."""
    groups: dict[tuple[str, str, str], list[Check]] = defaultdict(list)
    for check in wrong:
        groups[check.status, check.name, normalised(check.message, check.subject)].append(check)
    return list(groups.values())


def _told(alike: Sequence[Check]) -> str:
    first = alike[0]
    if len(alike) == 1:
        return f"{first.subject}: {first.name}: {first.message}"
    is_same = all(check.message == first.message for check in alike)
    message = first.message if is_same else normalised(first.message, first.subject)
    return f"{abridged([check.subject for check in alike])} ({len(alike)}): {first.name}: {message}"


def code_of(report: Report) -> int:
    """Return the plugin's exit code: critical before unknown before warning."""
    found = {check.status for check in report.checks}
    if "failed" in found:
        return CRITICAL
    if "unknown" in found or not report.checks:
        return UNKNOWN
    return WARNING if "warning" in found else OK


def _one_line(text: str) -> str:
    """Return a text that Nagios takes for one line; behind a bar it would read figures."""
    return visible(" ".join(text.split())).replace("|", "/")
