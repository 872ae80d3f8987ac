"""The report as a Nagios plugin's line: state, figures, then what is wrong.

Source of the form and of the codes 0 to 3: nagios-plugins.org, development guidelines.
"""

from __future__ import annotations

from collections import Counter
from typing import IO

from edgectl.output.visible import visible
from edgectl.report import Report

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
    for check in wrong[:_LINES]:
        stream.write(_one_line(f"{check.subject}: {check.name}: {check.message}") + "\n")
    if len(wrong) > _LINES:
        stream.write(f"and {len(wrong) - _LINES} more\n")


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
