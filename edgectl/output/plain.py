"""The report for a pipe or a file, where nothing is coloured or folded: the same text as `table`, without rich.

Importing rich's console takes 30 ms, a third of `inventory list`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

from edgectl.output.visible import visible
from edgectl.report import Line, Table

_GAP = "  "


def is_plain(parts: Sequence[Line | Table]) -> bool:
    """Tell whether one letter is one column wide wherever columns are aligned: ASCII, on one line, without tabs."""
    return all(
        cell.isascii() and not {"\n", "\t"} & set(cell)
        for part in parts
        if isinstance(part, Table)
        for row in part.rows
        for cell in row
    )


def write_plain(parts: Sequence[Line | Table], stream: IO[str]) -> None:
    """Write lines and tables for which `is_plain`; nothing ends in blanks."""
    for part in parts:
        lines = _rows(part) if isinstance(part, Table) else visible(part.text).expandtabs().split("\n")
        stream.writelines(f"{line.rstrip()}\n" for line in lines)


def _rows(table: Table) -> Iterator[str]:
    cells = ([visible(row[at]) for row in table.rows] for at in range(len(table.columns)))
    columns = [_column(name, below) for name, below in zip(table.columns, cells, strict=True)]
    return map(_GAP.join, zip(*columns, strict=True))


def _column(name: str, cells: Sequence[str]) -> list[str]:
    whole = [name.lstrip(">"), *cells]
    width = max(map(len, whole))
    if name.startswith(">"):
        return [cell.rstrip().rjust(width) for cell in whole]
    return [cell.ljust(width) for cell in whole]
