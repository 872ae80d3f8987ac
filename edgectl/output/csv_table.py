"""The figures of a report as a table for spreadsheets and data frames: one row for each, a column for each label."""

from __future__ import annotations

import csv
from typing import IO

from edgectl.report import Report


def render(report: Report, stream: IO[str]) -> None:
    """Write the metrics, in base units; a label that a figure does not have is empty."""
    labels = sorted({label for metric in report.metrics for label in metric.labels})
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["metric", *labels, "value"])
    for metric in report.metrics:
        writer.writerow(
            [metric.name, *(metric.labels.get(label, "") for label in labels), repr(metric.value)]
        )
