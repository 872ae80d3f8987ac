"""Report to text: the table of formats, and what each command may be asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from edgectl.output import json_report, junit, nagios, prometheus, table
from edgectl.output.formats import Format
from edgectl.report import Report

Renderer = Callable[[Report, IO[str]], None]

RENDERERS: dict[Format, Renderer] = {
    Format.JSON: json_report.render,
    Format.JSONL: json_report.render_last_line,
    Format.JUNIT: junit.render,
    Format.PROMETHEUS: prometheus.render,
    Format.NAGIOS: nagios.render,
}


def render(report: Report, chosen: Format, stream: IO[str], *, color: bool) -> None:
    """Write a report in the format asked for."""
    if chosen is Format.TABLE:
        table.render(report, stream, color=color)
    else:
        RENDERERS[chosen](report, stream)
