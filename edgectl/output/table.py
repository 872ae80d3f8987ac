"""The report for a person: calm, folded, aligned; colour only for state."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import IO

import rich.console
import rich.table
import rich.text

from edgectl.output.visible import visible
from edgectl.report import Line, Report, Table, Tone

_STYLES = {Tone.PLAIN: "", Tone.GOOD: "green", Tone.NOTICE: "yellow", Tone.BAD: "bold red", Tone.QUIET: "dim"}
# Wide enough that a pipe or a file never folds a line; a terminal says its own width.
_UNLIMITED_COLUMNS = 10_000


def render(report: Report, stream: IO[str], *, color: bool) -> None:
    """Write the body of a report."""
    render_lines(report.body, stream, color=color)


def render_lines(parts: Sequence[Line | Table], stream: IO[str], *, color: bool) -> None:
    """Write lines and tables; nothing ends in blanks."""
    console = console_on(stream, color=color)
    with console.capture() as captured:
        for part in parts:
            match part:
                case Line():
                    console.print(
                        rich.text.Text(visible(part.text), style=_STYLES[part.tone]), soft_wrap=True
                    )
                case Table():
                    console.print(_table(part), soft_wrap=not stream.isatty())
    text = captured.get()
    stream.writelines(f"{line.rstrip()}\n" for line in text.removesuffix("\n").split("\n") if text)


def console_on(stream: IO[str], *, color: bool) -> rich.console.Console:
    """Return a console that colours only a terminal, and folds only for one."""
    width = shutil.get_terminal_size().columns if stream.isatty() else _UNLIMITED_COLUMNS
    return rich.console.Console(
        file=stream,
        width=width,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=None if color else False,
    )


def _table(part: Table) -> rich.table.Table:
    drawn = rich.table.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in part.columns:
        justify: rich.console.JustifyMethod = "right" if column.startswith(">") else "left"
        drawn.add_column(column.lstrip(">"), justify=justify, overflow="fold")
    for row in part.rows:
        drawn.add_row(*(rich.text.Text(visible(cell)) for cell in row))
    return drawn
