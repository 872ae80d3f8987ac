"""Xids 144 to 150, which name a unit of NVLink 5: which row of `xid_nvlink5.csv` a line belongs to.

A line reads `149, NETIR_LINK_EVT Fatal XC0 i0 Link 08 (0x004505c6 0x00000000 …)`: the unit, whether it was
fatal, the link, then the interrupt's word and the error's status. The word holds the unit once more (bits 9 to
5 before driver branch 575, bits 6 to 0 since) and the reason (bits 25 to 20). Branches before 575 number the
units in another way than the table does, so that there only the unit's name in the line finds the row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgectl.catalog.xid_rows import XidSeverity, rows_of

# The first branch with the units numbered as the table has them.
_NEW_NUMBERS = 575
_LINE = re.compile(
    r"\b(?P<code>14[4-9]|150), +(?P<unit>[A-Z][A-Z0-9_]+) +(?P<kind>Fatal|Nonfatal)\b"
    r"(?:.*?\bLink +(?P<link>-?\d+))?(?:.*?\((?P<word>0x[0-9a-fA-F]+)[ ,]+(?P<status>0x[0-9a-fA-F]+))?"
)


@dataclass(frozen=True, slots=True)
class NvlinkRow:
    """One row: `units` are the names of one unit over the branches; `kind` is fatal, link fatal or nonfatal."""

    code: int
    units: Sequence[str]
    subcode: int
    reason: int
    error_status: int
    kind: str
    severity: XidSeverity
    action: str
    nvidia: str
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class NvlinkEvent:
    """What a line says; `subcode`, `reason` and `error_status` are None where it has no words in brackets."""

    code: int
    unit: str
    fatal: bool
    link: int | None
    subcode: int | None
    reason: int | None
    error_status: int | None


def load_nvlink_rows() -> Sequence[NvlinkRow]:
    """Return the table. `ValueError` where it is broken."""
    return [_row(row) for row in rows_of("xid_nvlink5.csv")]


def event_of(line: str, branch: int | None) -> NvlinkEvent | None:
    """Return what an NVLink 5 line says, None for any other line.

    `branch` is the driver's, taken for a new one where it is not known.
    """
    said = _LINE.search(line)
    if said is None:
        return None
    word = int(said["word"], 16) if said["word"] else None
    return NvlinkEvent(
        code=int(said["code"]),
        unit=said["unit"],
        fatal=said["kind"] != "Nonfatal",
        link=int(said["link"]) if said["link"] else None,
        subcode=None if word is None else subcode_of(word, branch),
        reason=None if word is None else reason_of(word),
        error_status=int(said["status"], 16) if said["status"] else None,
    )


def subcode_of(word: int, branch: int | None) -> int:
    """Return the unit's number in the interrupt's word."""
    is_old = branch is not None and branch < _NEW_NUMBERS
    return word >> 5 & 0x1F if is_old else word & 0x7F


def reason_of(word: int) -> int:
    """Return the reason in the interrupt's word, which some take for the unit."""
    return word >> 20 & 0x3F


def row_of(event: NvlinkEvent, rows: Sequence[NvlinkRow]) -> NvlinkRow | None:
    """Return the row of an event: same unit, reason and status; None where the table has no such row.

    Some names stand for two units, which only their numbers tell apart.
    """
    fitting = [row for row in rows if _fits(row, event)]
    return min(fitting, key=lambda row: row.subcode != event.subcode, default=None)


def _fits(row: NvlinkRow, event: NvlinkEvent) -> bool:
    same_place = row.code == event.code and event.unit in row.units
    return same_place and (row.reason, row.error_status) == (event.reason, event.error_status)


def _row(row: Mapping[str, str]) -> NvlinkRow:
    return NvlinkRow(
        code=int(row["code"]),
        units=row["units"].split("|"),
        subcode=int(row["subcode"]),
        reason=int(row["reason"]),
        error_status=int(row["error_status"], 16),
        kind=row["kind"],
        severity=XidSeverity(row["severity"]),
        action=row["action"],
        nvidia=row["nvidia"],
        note=row["note"],
        source=row["source"],
    )
