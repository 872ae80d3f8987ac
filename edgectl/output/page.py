"""The report as one HTML page to look at: it holds all it needs and opens without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import IO, assert_never

from edgectl.output.chart import svg
from edgectl.output.visible import visible
from edgectl.report import Chart, Line, Report, Section, Table

_STYLE = """
:root { color-scheme: light dark; --text: #1d2430; --quiet: #5c6675; --ground: #ffffff; --card: #f6f7f9;
  --rule: #dde1e7; --good: #17733a; --notice: #8a5a00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ee; --quiet: #9aa4b2; --ground: #14181e; --card: #1c222b;
  --rule: #323a46; --good: #62c98a; --notice: #e0b050; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 28px 24px 60px; color: var(--text); background: var(--ground);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 17px; margin: 34px 0 10px; }
.about { color: var(--quiet); margin: 2px 0 18px; }
p { margin: 3px 0; } .line { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
.good { color: var(--good); } .notice { color: var(--notice); } .bad { color: var(--bad); font-weight: 600; }
.quiet { color: var(--quiet); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 10px 0; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 14px 4px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
th { color: var(--quiet); font-weight: 500; } .right { text-align: right; }
td.right { white-space: nowrap; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 16px; margin: 10px 0; }
.charts > div { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 10px; }
svg { display: block; width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: var(--quiet); }
svg .title { font-size: 13px; font-weight: 600; fill: var(--text); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .curve { fill: none; stroke-width: 1.8; } svg .dot { r: 2.6px; } svg .corner { r: 4px; fill-opacity: 0; }
a { color: inherit; }
svg line.limit { stroke: var(--bad); stroke-dasharray: 4 4; } svg text.limit { fill: var(--bad); }
@media print { body { max-width: none; padding: 0; } .charts > div { break-inside: avoid; } }
"""


def render(report: Report, stream: IO[str], beside: Sequence[str] = ()) -> None:
    """Write the page; `beside` are the names of files with the same figures in the same folder."""
    title = escape(f"edgectl {report.command}")
    stream.write(
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
    )
    # Whatever a server put into its answers, nothing is loaded and nothing is run.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    stream.write(f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n')
    stream.write('<meta name="viewport" content="width=device-width, initial-scale=1">\n')
    stream.write(f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n")
    stream.write(f'<p class="about">{escape(_about(report))}</p>\n')
    stream.writelines(f"{part}\n" for part in _parts(report.body))
    for section in report.sections:
        stream.writelines(f"{part}\n" for part in _section(section))
    if beside:
        links = ", ".join(f'<a href="{escape(name)}">{escape(name)}</a>' for name in beside)
        stream.write(f"<h2>The figures</h2>\n<p>{links}</p>\n")
    stream.write("</body>\n</html>\n")


def _about(report: Report) -> str:
    run = f"run {report.run} · " if report.run else ""
    return f"{run}{report.started:%Y-%m-%d %H:%M:%S UTC} · {report.seconds:,.1f} s · exit {int(report.exit_code)}"


def _section(section: Section) -> Iterator[str]:
    yield f"<h2>{escape(section.title)}</h2>"
    charts = [svg(part) for part in section.parts if isinstance(part, Chart)]
    if any(charts):
        yield '<div class="charts">' + "".join(f"<div>{chart}</div>" for chart in charts if chart) + "</div>"
    yield from _parts([part for part in section.parts if not isinstance(part, Chart)])


def _parts(parts: Sequence[Line | Table]) -> Iterator[str]:
    for part in parts:
        match part:
            case Line():
                yield f'<p class="line {part.tone.value}">{escape(visible(part.text))}</p>'
            case Table():
                yield _table(part)
            case _:
                assert_never(part)


def _table(table: Table) -> str:
    sides = [' class="right"' if column.startswith(">") else "" for column in table.columns]
    head = "".join(
        f"<th{side}>{escape(column.lstrip('>'))}</th>"
        for side, column in zip(sides, table.columns, strict=True)
    )
    named = f"<thead><tr>{head}</tr></thead>" if any(table.columns) else ""
    rows = "".join(
        "<tr>"
        + "".join(f"<td{side}>{escape(visible(cell))}</td>" for side, cell in zip(sides, row, strict=True))
        + "</tr>"
        for row in table.rows
    )
    return f'<div class="wide"><table>{named}<tbody>{rows}</tbody></table></div>'
