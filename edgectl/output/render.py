"""Report to text: one way for each format. A command waits for no other format's libraries."""

from __future__ import annotations

from typing import IO, assert_never

from edgectl.output.formats import Format
from edgectl.report import Report


def render(report: Report, chosen: Format, stream: IO[str], *, color: bool) -> None:
    """Write a report in the format asked for."""
    match chosen:
        case Format.TABLE:
            _for_a_person(report, stream, color=color)
        case Format.JSON:
            from edgectl.output import json_report

            json_report.render(report, stream)
        case Format.JSONL:
            from edgectl.output import json_report

            json_report.render_last_line(report, stream)
        case Format.JUNIT:
            from edgectl.output import junit

            junit.render(report, stream)
        case Format.PROMETHEUS:
            from edgectl.output import prometheus

            prometheus.render(report, stream)
        case Format.NAGIOS:
            from edgectl.output import nagios

            nagios.render(report, stream)
        case _:
            assert_never(chosen)


def _for_a_person(report: Report, stream: IO[str], *, color: bool) -> None:
    if not stream.isatty():
        from edgectl.output import plain

        if plain.is_plain(report.body):
            plain.write_plain(report.body, stream)
            return
    from edgectl.output import table

    table.render(report, stream, color=color)
