"""One report in every format, as whole files in tests/golden/report."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edgectl.errors import ExitCode
from edgectl.output import nagios
from edgectl.output.formats import Format
from edgectl.output.render import render
from edgectl.report import Check, HostEntry, Line, Metric, Report, Table, Tone

GOLDEN = Path(__file__).parents[2] / "golden" / "report"
TASK = {
    "name": "copy | it",
    "module": "copy",
    "status": "failed",
    "seconds": 0.25,
    "result": {"msg": "größer"},
}
REPORT = Report(
    command="run",
    started=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
    seconds=1.9004,
    exit_code=ExitCode.FAILED,
    run="01JD0000000000000000000000",
    hosts=(
        HostEntry("fra1-n01", "fra1", "ok", seconds=0.5, data={"rc": 0}),
        HostEntry("fra1-n02", "fra1", "failed", "kein Platz für \x1b[31m", "copy | it", 0.8, [TASK]),
        HostEntry("gru1-n01", "gru1", "unreachable", "no route"),
    ),
    data={"note": "≥ 1"},
    body=(
        Table(["host", ">took", ""], [["fra1-n01", "0.5", ""], ["größe-東京", "12.25", "x"], ["", "", ""]]),
        Line("evil \x1b[2J\x07 \u202e \x9b31m line   ", Tone.BAD),
        Line("two\nlines", Tone.QUIET),
        Line("1 ok · 1 failed"),
    ),
    checks=(
        Check("copy | it", "fra1-n01", "ok", seconds=0.25),
        Check("copy | it", "fra1-n02", "failed", "no\nspace | left \x00\x1b <&>", 0.25),
        Check("gpu-hot", "fra1-n02", "warning", "91 °C"),
        Check("host", "gru1-n01", "unknown", "unreachable: no route"),
        Check("later", "gru1-n01", "skipped", "not now"),
    ),
    metrics=(
        Metric("edgectl_run_hosts", "Hosts by how they ended.", 1, {"status": "ok", "command": "run"}),
        Metric("edgectl_run_hosts", "Hosts by how they ended.", 2, {"status": 'b"a\\d\n', "command": "run"}),
        Metric("edgectl_run_seconds", "How long it took.", 1.9),
    ),
)
EMPTY = Report("ping", REPORT.started, 0.0, ExitCode.DONE)


def _rendered(report: Report, chosen: Format) -> str:
    stream = io.StringIO()
    render(report, chosen, stream, color=False)
    return stream.getvalue()


@pytest.mark.parametrize("chosen", list(Format))
def test_a_report_looks_like_this(chosen: Format) -> None:
    assert _rendered(REPORT, chosen) == (GOLDEN / f"{chosen}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("chosen", list(Format))
def test_a_report_about_nothing_is_still_well_formed(chosen: Format) -> None:
    text = _rendered(EMPTY, chosen)

    if chosen in (Format.JSON, Format.JSONL):
        assert json.loads(text)["summary"]["hosts"] == 0
    if chosen is Format.JUNIT:
        assert ET.fromstring(text).get("tests") == "0"
    if chosen is Format.NAGIOS:
        assert text.startswith("EDGECTL UNKNOWN")


def test_no_line_ends_in_blanks_and_no_control_character_is_obeyed() -> None:
    text = _rendered(REPORT, Format.TABLE)

    assert all(line == line.rstrip() for line in text.split("\n"))
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(text)


def test_json_is_the_contracts_shape() -> None:
    found = json.loads(_rendered(REPORT, Format.JSON))

    assert list(found) == [
        "schema",
        "command",
        "run",
        "started",
        "seconds",
        "exit_code",
        "summary",
        "hosts",
        "data",
    ]
    assert found["started"] == "2026-11-23T09:00:00Z"
    assert list(found["hosts"][0]) == [
        "host",
        "pop",
        "status",
        "reason",
        "failed_task",
        "seconds",
        "tasks",
        "data",
    ]
    assert (
        sum(count for name, count in found["summary"].items() if name != "hosts") == found["summary"]["hosts"]
    )


def test_jsonl_ends_with_one_line_that_is_the_report() -> None:
    (line,) = _rendered(REPORT, Format.JSONL).splitlines()

    assert json.loads(line) == {"type": "report", **json.loads(_rendered(REPORT, Format.JSON))}


def test_junit_is_xml_that_counts_right() -> None:
    suite = ET.fromstring(_rendered(REPORT, Format.JUNIT))

    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "1", "1", "1"]
    assert len(suite.findall("testcase/failure")) == 1


def test_prometheus_reads_its_file_back() -> None:
    families = {
        family.name: family for family in text_string_to_metric_families(_rendered(REPORT, Format.PROMETHEUS))
    }

    assert sorted(families) == ["edgectl_run_hosts", "edgectl_run_seconds"]
    values = {sample.labels["status"]: sample.value for sample in families["edgectl_run_hosts"].samples}
    assert values == {"ok": 1, 'b"a\\d\n': 2}


CODES = [
    ([], nagios.UNKNOWN),
    (["ok"], nagios.OK),
    (["ok", "skipped"], nagios.OK),
    (["ok", "warning"], nagios.WARNING),
    (["warning", "unknown"], nagios.UNKNOWN),
    (["unknown", "failed"], nagios.CRITICAL),
]


@pytest.mark.parametrize(("statuses", "code"), CODES)
def test_nagios_gets_the_worst_of_its_own_codes(statuses: list[str], code: int) -> None:
    checks = tuple(Check("c", "h", status) for status in statuses)

    assert nagios.code_of(Report("health", REPORT.started, 0.0, ExitCode.DONE, checks=checks)) == code


def test_nagios_sees_one_bar_and_it_is_before_the_figures() -> None:
    first, *others = _rendered(REPORT, Format.NAGIOS).splitlines()

    assert first.count("|") == 1
    assert not any("|" in line for line in others)
