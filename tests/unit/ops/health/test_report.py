"""`health` from hosts' answers to every format: the whole operation, with a pool that knows the answers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from edgectl.catalog.rules_model import Severity
from edgectl.engine.ports import HostWork
from edgectl.errors import ExitCode, InputError
from edgectl.ops.health.apply import check
from edgectl.ops.health.explain import explain
from edgectl.output import nagios
from edgectl.output.formats import Format
from edgectl.output.render import render
from edgectl.remote.job import Job
from edgectl.report import HostEntry, Report
from tests.fakes.clock import START
from tests.unit.ops.health.asked import Answers, services
from tests.unit.ops.health.nodes import a_gpu, a_node, an_xid

GOLDEN = Path(__file__).parents[3] / "golden" / "health"


def healthy(**changes: Any) -> dict[str, Any]:
    return a_node([a_gpu(0), a_gpu(1)], **changes)


SICK: Answers = {
    "fra1-r1-n01": a_node(
        [a_gpu(0, state="lost", index=None), a_gpu(1, pcie_width=8)],
        xids=[an_xid(79, line="NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus.")],
    ),
    "fra1-r1-n02": a_node([a_gpu(0, remap_pending=True), a_gpu(1, remap_pending=True)]),
    "fra1-r1-n03": a_node([a_gpu(0, remap_pending=True), a_gpu(1, remap_pending=True, ecc_mode=None)]),
    "fra1-r1-d01": a_node([], collector="kernel", driver_version=None, kernel_log={"source": None}),
    "gru1-r1-n01": healthy(driver_version="595.58.03"),
    "gru1-r1-n02": None,
}  # fmt: skip
WELL: Answers = {name: a_node([], collector="kernel") if "-d" in name else healthy() for name in SICK}


def health(tmp_path: Path, answers: Answers, **given: Any) -> Report:
    return check(services(tmp_path, answers), None, None, **given)


def host_of(report: Report, name: str) -> HostEntry:
    return next(host for host in report.hosts if host.host == name)


def rendered(report: Report, chosen: Format) -> str:
    stream = io.StringIO()
    render(report, chosen, stream, color=False)
    return stream.getvalue()


@pytest.mark.parametrize("chosen", [one for one in Format if one is not Format.JSONL])
def test_a_sick_fleet_is_told_in_every_format(tmp_path: Path, chosen: Format) -> None:
    told = rendered(health(tmp_path, SICK), chosen)

    golden = GOLDEN / f"sick.{chosen}"
    assert told == golden.read_text(encoding="utf-8")


def test_a_healthy_fleet_is_told_in_three_lines(tmp_path: Path) -> None:
    report = health(tmp_path, WELL)

    assert report.exit_code == ExitCode.DONE
    assert rendered(report, Format.TABLE).splitlines() == [
        "2 PoPs · 6 of 6 nodes answered · 10 GPUs",
        "  nothing found",
        "6 ok · 0.0 s",
    ]


def test_critical_counts_as_failed_and_unreachable_never_hides_it(tmp_path: Path) -> None:
    report = health(tmp_path, SICK)

    statuses = {host.host: host.status for host in report.hosts}
    assert (report.exit_code, report.summary()["failed"]) == (ExitCode.FAILED, 1)
    assert (statuses["fra1-r1-n01"], statuses["fra1-r1-n02"], statuses["gru1-r1-n02"]) == (
        "failed",
        "ok",
        "unreachable",
    )
    assert host_of(report, "fra1-r1-n01").reason == (
        "gpu-lost GPU 41:00.0: serial 1650000000000; pcie-width GPU 1: x8 of x16; "
        "xid-79 GPU 41:00.0: the GPU is gone from the PCIe bus"
    )


def test_the_bar_can_be_lowered_to_warnings(tmp_path: Path) -> None:
    report = health(tmp_path, SICK, fail_on=Severity.WARNING)

    assert [host.host for host in report.hosts if host.status == "failed"] == [
        "fra1-r1-n01",
        "fra1-r1-n02",
        "fra1-r1-n03",
    ]


def test_hosts_that_do_not_answer_are_unknown_and_never_healthy(tmp_path: Path) -> None:
    report = health(tmp_path, dict.fromkeys(SICK))

    assert report.exit_code == ExitCode.UNREACHABLE
    assert nagios.code_of(report) == nagios.UNKNOWN
    assert "nothing found" not in rendered(report, Format.TABLE)


def test_an_answer_that_makes_no_sense_fails_its_host_alone(tmp_path: Path) -> None:
    report = health(tmp_path, {**WELL, "fra1-r1-n01": {"gpus": 7}})

    assert [host.host for host in report.hosts if host.status == "failed"] == ["fra1-r1-n01"]
    assert "makes no sense" in host_of(report, "fra1-r1-n01").reason


def test_a_host_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    told = json.loads(rendered(health(tmp_path, SICK), Format.JSON))
    host = next(host for host in told["hosts"] if host["host"] == "fra1-r1-n01")

    assert {"gpus", "findings", "collector"} <= set(host["data"])
    assert set(host["data"]["findings"][0]) == {
        "id",
        "severity",
        "component",
        "gpu",
        "value",
        "rule",
        "action",
    }
    assert host["tasks"][0]["result"] == {}


def test_the_job_takes_no_lock_and_brings_the_library(tmp_path: Path) -> None:
    jobs: list[HostWork] = []

    check(services(tmp_path, WELL, jobs=jobs), "fra1-r1-n01", None)

    (one,) = jobs
    assert isinstance(one.errand, Job)
    assert (one.errand.changes, one.errand.become, one.errand.needs) == (False, False, ["pynvml"])


def test_explain_knows_rules_and_every_xid_and_helps_with_a_typo() -> None:
    from edgectl.catalog.health_fleet import load_fleet_rules
    from edgectl.catalog.rules import load_rules
    from edgectl.catalog.xid import load_xids
    from edgectl.ops.health.fleet.explaining import is_on_record

    rules, xids, now = load_rules(), load_xids(), START
    outliers = [metric.finding for metric in load_fleet_rules().outliers.metrics]
    for finding in (*rules.by_id, *(f"xid-{code}" for code in xids), "xid-999", *outliers, "unreachable"):
        assert not is_on_record(finding, rules)
        report = explain(finding, rules, xids, now)
        assert {"about", "why", "action", "clears", "source"} <= set(report.data), finding
    with pytest.raises(InputError, match="did you mean 'pcie-width'"):
        explain("pci-width", rules, xids, now)
