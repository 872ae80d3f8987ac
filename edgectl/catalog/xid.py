"""What each Xid means and asks for, from `xid.csv`: names are NVIDIA's, words are ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgectl.catalog.xid_nvlink5 import NvlinkRow, load_nvlink_rows
from edgectl.catalog.xid_rows import XidSeverity, rows_of

# The peers whose verdicts the table has, as people write their names.
PEERS = {
    "gpud": "gpud",
    "dcgm": "DCGM 4.6",
    "nvsentinel": "NVSentinel",
    "azure": "Azure node health check",
    "gcm": "gcm",
}
# Actions of errors that an application can cause by itself.
APPLICATION_ACTIONS = frozenset({"restart-application"})


@dataclass(frozen=True, slots=True)
class XidMeaning:
    """One number of the driver's; `action` is a word that `rules.yaml` explains.

    `recovery_from` is the first driver branch that tells its recovery action with this number, None where no
    branch is known to. `nvidia` has NVIDIA's own words for what to do at once and later; `peers` their verdicts;
    `nvlink` the rows of a number that names a unit of NVLink 5.
    """

    code: int
    mnemonic: str
    meaning: str
    severity: XidSeverity
    action: str
    source: str
    recovery_from: int | None = None
    nvidia: str = ""
    note: str = ""
    peers: Mapping[str, str] = field(default_factory=dict)
    nvlink: Sequence[NvlinkRow] = ()

    @property
    def may_be_the_application(self) -> bool:
        """Whether a program alone can cause it."""
        return self.action in APPLICATION_ACTIONS


def load_xids() -> Mapping[int, XidMeaning]:
    """Return every Xid that has an entry. `ValueError` where the table is broken."""
    links = load_nvlink_rows()
    meanings = [_meaning(row, links) for row in rows_of("xid.csv")]
    return {meaning.code: meaning for meaning in meanings}


def unknown_xid(code: int) -> XidMeaning:
    """Return what can be said about a number that is in no table: never nothing."""
    return XidMeaning(
        code, "unknown", "a number that is in no table we know", XidSeverity.WARNING, "unknown", "none"
    )


def _meaning(row: Mapping[str, str], links: Sequence[NvlinkRow]) -> XidMeaning:
    code = int(row["code"])
    return XidMeaning(
        code=code,
        mnemonic=row["mnemonic"],
        meaning=row["meaning"],
        severity=XidSeverity(row["severity"]),
        action=row["action"],
        source=row["source"],
        recovery_from=int(row["recovery_from"]) if row["recovery_from"] else None,
        nvidia=row["nvidia"],
        note=row["note"],
        peers={peer: row[peer] for peer in PEERS},
        nvlink=tuple(link for link in links if link.code == code),
    )
