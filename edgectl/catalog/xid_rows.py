"""The tables of Xids as rows, and how bad a row is."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib import resources


class XidSeverity(StrEnum):
    """How bad an Xid is; a note is no finding."""

    NOTE = "note"
    WARNING = "warning"
    CRITICAL = "critical"


def rows_of(name: str) -> Sequence[Mapping[str, str]]:
    """Return the rows of a table that lies beside this file."""
    text = resources.files("edgectl.catalog").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), strict=True))
