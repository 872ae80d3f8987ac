"""Every row of the Xid tables is parsed from a line, judged and explained; and of a table somebody names, too.

    EDGECTL_XID_TABLE=facts.csv .venv/bin/pytest tests/health/test_xid_table.py

The named table has the columns `code`, `unit`, `subcode_v2`, `reason`, `error_status`, `mnemonic`,
`edgectl_severity` (fatal, warn, app, info, context, decode or unlisted), `gpud`, `dcgm46`, `azure_fatal` and `gcm`.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.rules import load_rules
from edgectl.catalog.xid import load_xids
from edgectl.catalog.xid_nvlink5 import load_nvlink_rows
from edgectl.catalog.xid_rows import rows_of
from edgectl.ops.health.expected import expected_of
from edgectl.ops.health.explain import explain
from edgectl.ops.health.finding import Finding
from edgectl.ops.health.observed import node_of
from edgectl.ops.health.verdict import judge
from edgectl.remote.gpu import xid
from tests.unit.ops.health.nodes import a_gpu, a_host, a_node

NAMED = os.environ.get("EDGECTL_XID_TABLE", "")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
# What the words of the named table come to; a decoded number's own verdict is that of its unit.
SEVERITIES = {
    "fatal": "critical",
    "warn": "warning",
    "app": "warning",
    "unlisted": "warning",
    "decode": "warning",
    "info": None,
    "context": None,
}


def judged(line: str) -> list[Finding]:
    """Return the findings about one line of the log of a GPU whose driver says nothing of its own."""
    xids: Sequence[Mapping[str, Any]] = xid.parse(line, 0.0)["xids"]
    assert len(xids) == 1, line
    node = node_of(a_node([a_gpu(0, recovery_action=None), a_gpu(1)], xids=xids))
    found = judge(node, expected_of(a_host(), load_catalog()), load_rules(), load_xids()).findings
    assert all(one.label == "0" for one in found)
    return list(found)


def line_of(code: str, text: str = "pid=1, name=a, text") -> str:
    return f"NVRM: Xid (PCI:0000:41:00): {code}, {text}"


def link_line(row: Mapping[str, str], unit: str, subcode: str, *, fatal: bool) -> str:
    word = int(row["reason"]) << 20 | int(subcode)
    kind = "Fatal" if fatal else "Nonfatal"
    return line_of(row["code"], f"{unit} {kind} XC0 i0 Link 08 (0x{word:08x} {row['error_status']} 0x0 0x0)")


def test_every_number_of_our_table_is_read_judged_and_explained() -> None:
    for row in rows_of("xid.csv"):
        found = judged(line_of(row["code"]))
        wanted = [] if row["severity"] == "note" else [(f"xid-{row['code']}", row["severity"])]
        assert [(one.id, one.severity.value) for one in found] == wanted, row["code"]
        said = explain(f"xid-{row['code']}", load_rules(), load_xids(), NOW).data
        assert {"about", row["severity"], "why", "action", "clears", "source", "peers"} <= set(said), row[
            "code"
        ]
        assert set(said["peers"]) == {"gpud", "DCGM 4.6", "NVSentinel", "Azure node health check", "gcm"}


def test_every_unit_of_nvlink_5_is_read_judged_and_explained() -> None:
    for row in rows_of("xid_nvlink5.csv"):
        for unit in row["units"].split("|"):
            found = judged(link_line(row, unit, row["subcode"], fatal=row["kind"] != "nonfatal"))
            assert [one.severity.value for one in found] == (
                [] if row["severity"] == "note" else [row["severity"]]
            )
        units = explain(f"xid-{row['code']}", load_rules(), load_xids(), NOW).data["units"]
        assert f"{row['units']}, reason {row['reason']}, status {row['error_status']}" in units


def test_every_rule_is_explained_with_its_limits_and_what_others_make_of_it() -> None:
    for rule in load_rules().by_id.values():
        said = explain(rule.id, load_rules(), load_xids(), NOW).data
        assert {"about", "why", "action", "clears", "source"} <= set(said)
        assert ("limits" in said) == bool(rule.thresholds)
        assert said.get("peers", {}) == rule.peers


@pytest.mark.skipif(not NAMED, reason="names no table: EDGECTL_XID_TABLE=facts.csv")
def test_every_row_of_a_table_from_outside_is_read_judged_and_explained() -> None:
    with Path(NAMED).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    numbers, units = [row for row in rows if not row["unit"]], [row for row in rows if row["unit"]]
    for row in numbers:
        _compare_number(row)
    for row in units:
        _compare_unit(row)

    print(f"\n{len(numbers)} numbers and {len(units)} units of {NAMED}")
    assert {int(row["code"]) for row in numbers} == set(load_xids())
    assert len(units) == len(load_nvlink_rows())


def _compare_number(row: Mapping[str, str]) -> None:
    code, severity = int(row["code"]), SEVERITIES[row["edgectl_severity"]]
    found = [one.severity.value for one in judged(line_of(row["code"]))]
    assert found == ([severity] if severity else []), row["code"]
    meaning = load_xids()[code]
    assert row["mnemonic"].startswith(meaning.mnemonic)
    assert (meaning.peers["azure"] == "fatal") == (row["azure_fatal"] == "Y")
    assert (meaning.peers["dcgm"] == "nothing") == (not row["dcgm46"])
    assert (meaning.peers["gpud"].startswith("not in")) == (not row["gpud"])
    assert meaning.peers["gpud"].startswith("fatal") == row["gpud"].startswith("FATAL")
    assert (meaning.peers["gcm"] == "not critical") == (row["gcm"] == "noncritical")
    assert explain(f"xid-{code}", load_rules(), load_xids(), NOW).data["source"]


def _compare_unit(row: Mapping[str, str]) -> None:
    severity = SEVERITIES[row["edgectl_severity"]]
    for unit in row["unit"].split("|"):
        found = judged(link_line(row, unit, row["subcode_v2"], fatal=severity == "critical"))
        assert [one.severity.value for one in found] == ([severity] if severity else []), row
