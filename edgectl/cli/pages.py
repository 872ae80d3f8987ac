"""`--html FILE`: the report as a page to look at, with its figures as CSV and JSON beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.errors import UsageError

if TYPE_CHECKING:
    from edgectl.report import Report

Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Also write a page to look at, and FILE's .csv and .json."),
]


def check_page(path: Path | None) -> None:
    """Raise `UsageError` before anything is measured where the page could not be written."""
    if path is None:
        return
    if path.suffix not in (".html", ".htm"):
        raise UsageError(
            f"--html {path}: a name that ends in .html is wanted; .csv and .json are put beside it"
        )
    if not path.parent.is_dir():
        raise UsageError(f"--html {path}: there is no folder {path.parent}")


def write_page(report: Report, path: Path | None) -> None:
    """Write the page and what is beside it, where one was asked for. Raises `MissingError`."""
    if path is None:
        return
    from edgectl.output import csv_table, json_report, page
    from edgectl.output.whole_file import written_whole

    table, data = path.with_suffix(".csv"), path.with_suffix(".json")
    with written_whole(path) as stream:
        page.render(report, stream, beside=[table.name, data.name])
    with written_whole(table) as stream:
        csv_table.render(report, stream)
    with written_whole(data) as stream:
        json_report.render(report, stream)
