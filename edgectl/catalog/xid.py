"""What each Xid means and asks for, from `xid.csv`: names are NVIDIA's, words are ours."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources


class XidSeverity(StrEnum):
    """How bad an Xid is; a note is no finding."""

    NOTE = "note"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class XidMeaning:
    """One number of the driver's; `action` is a word that `rules.yaml` explains."""

    code: int
    mnemonic: str
    meaning: str
    severity: XidSeverity
    action: str
    source: str


def load_xids() -> Mapping[int, XidMeaning]:
    """Return every Xid that has an entry. `ValueError` where the table is broken."""
    text = resources.files("edgectl.catalog").joinpath("xid.csv").read_text(encoding="utf-8")
    return {meaning.code: meaning for meaning in map(_meaning, csv.DictReader(text.splitlines()))}


def unknown_xid(code: int) -> XidMeaning:
    """Return what can be said about a number that is in no table: never nothing."""
    return XidMeaning(
        code, "unknown", "a number that is in no table we know", XidSeverity.WARNING, "unknown", "none"
    )


def _meaning(row: Mapping[str, str]) -> XidMeaning:
    return XidMeaning(
        code=int(row["code"]),
        mnemonic=row["mnemonic"],
        meaning=row["meaning"],
        severity=XidSeverity(row["severity"]),
        action=row["action"],
        source=row["source"],
    )
