"""Traps that tools of this kind fell into, each with where it was found; none of them catches edgectl."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.rules import load_rules
from edgectl.catalog.xid import APPLICATION_ACTIONS, load_xids
from edgectl.catalog.xid_nvlink5 import event_of, load_nvlink_rows, row_of
from edgectl.catalog.xid_rows import XidSeverity, rows_of
from edgectl.errors import InputError
from edgectl.ops.health.expected import expected_of
from edgectl.ops.health.finding import Standing
from edgectl.ops.health.observed import Node, node_of
from edgectl.ops.health.verdict import Verdict, judge
from edgectl.remote.gpu import xid
from tests.nvml.branches import COMPILER, NO_COMPILER
from tests.nvml.scenario import Scene
from tests.nvml.tree import Machine
from tests.unit.ops.health.nodes import RTX, a_gpu, a_host, a_node, an_xid

needs_compiler = pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
GPUS = 2


def verdict(node: Node | Mapping[str, Any]) -> Verdict:
    known = node if isinstance(node, Node) else node_of(node)
    return judge(known, expected_of(a_host(), load_catalog()), load_rules(), load_xids())


def of_gpu(**changes: Any) -> Verdict:
    return verdict(a_node([a_gpu(0, **changes), a_gpu(1)]))


def ids(found: Verdict) -> list[str]:
    return [one.id for one in found.findings]


def collected(folder: Path, **given: Any) -> Node:
    """Return what a played host says, without what is this machine's own."""
    node = node_of(Scene(folder, gpus=GPUS, **given).collect())
    assert node.machine is not None
    return replace(node, machine=replace(node.machine, disks=None), dpus=None)


@pytest.mark.parametrize(
    ("place", "instances"),
    [("PCI:0000:41:00 GPU-I:05", ("05", None)), ("PCI:0000:41:00 GPU-I:05 GPU-CI:00", ("05", "00"))],
)
def test_trap_1_an_xid_of_a_mig_instance_is_read_with_its_gpu(
    place: str, instances: tuple[str, str | None]
) -> None:
    found = xid.parse(f"NVRM: Xid ({place}): 94, pid=7, name=vllm, Contained memory error", 0.0)["xids"][0]

    assert (found["code"], found["pci_bus_id"]) == (94, "00000000:41:00.0")
    assert (found["gpu_instance"], found["compute_instance"]) == instances
    assert ids(verdict(a_node([a_gpu(0), a_gpu(1)], xids=[found]))) == ["xid-94"]


@pytest.mark.parametrize("code", [133, 174, 175, 176, 999])
def test_trap_2_an_xid_that_others_drop_is_at_least_a_warning(code: int) -> None:
    found = xid.parse(f"NVRM: Xid (PCI:0000:41:00): {code}, something", 0.0)["xids"]

    assert ids(verdict(a_node([a_gpu(0), a_gpu(1)], xids=found))) == [f"xid-{code}"]


@needs_compiler
def test_trap_3_a_pending_remap_alarms_whatever_the_gpu_is_called(tmp_path: Path) -> None:
    node = collected(tmp_path, sku="rtx-pro-6000-server", faults={"gpu0.remapped_rows": "0,1,1,0"})

    assert node.gpus[0].name == RTX
    assert ids(verdict(node)) == ["row-remap-pending"]


@needs_compiler
def test_trap_4_corrected_and_uncorrected_rows_are_not_taken_for_each_other(tmp_path: Path) -> None:
    gpu = collected(tmp_path, faults={"gpu0.remapped_rows": "3,5,0,0"}).gpus[0]

    assert (gpu.remapped_rows_corrected, gpu.remapped_rows_uncorrected) == (3, 5)


def test_trap_5_six_hundred_remapped_rows_alarm() -> None:
    assert ids(of_gpu(remapped_rows_uncorrected=600)) == ["row-remap-history"]


def test_trap_6_one_double_bit_error_alarms() -> None:
    assert ids(of_gpu(ecc_volatile_uncorrected=1)) == ["ecc-uncorrected"]


@needs_compiler
@pytest.mark.parametrize("value", [5, 6, 7, 42])
def test_trap_7_a_recovery_action_that_is_new_is_at_least_a_warning(tmp_path: Path, value: int) -> None:
    node = collected(tmp_path, faults={"gpu0.field.230": str(value)})

    assert ids(verdict(node)) == ["recovery-action"]


def test_trap_8_gen3_under_load_alarms_on_a_gen5_card() -> None:
    busy = {"performance_state": "P0", "clocks_event_reasons": ["sw_power_cap"]}

    assert ids(of_gpu(pcie_gen=3, **busy)) == ["pcie-gen"]


def test_trap_9_a_floor_in_the_wrong_unit_is_refused_before_any_host_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "rules:\n  slow-memory:\n    {component: gpu, warning: w, why: w, action: a, clears: c, source: s,\n"
        "     thresholds: {floor: {bandwidth_gbs: 2.333}}}\nactions: {}\n",
        encoding="utf-8",
    )

    with pytest.raises(InputError) as caught:
        load_rules(path)

    assert caught.value.message.startswith(f"{path}:4:")
    assert "2.333 is no bandwidth_gbs" in caught.value.message


def test_trap_10_an_xid_clears_by_rule_when_the_driver_is_content_and_with_the_next_boot() -> None:
    def severities(**changes: Any) -> list[tuple[str, str]]:
        node = a_node(
            [a_gpu(0, recovery_action=changes.pop("recovery", "none")), a_gpu(1)],
            xids=[an_xid(62, **changes)],
        )
        return [(found.id, found.severity.value) for found in verdict(node).findings]

    assert ("xid-62", "critical") in severities(recovery="gpu-reset")
    assert severities() == [("xid-62", "warning")]
    assert severities(boot=-1) == []


def test_trap_11_no_cell_of_the_table_is_empty_or_unknown_by_accident() -> None:
    needed = (
        "mnemonic",
        "meaning",
        "severity",
        "action",
        "gpud",
        "dcgm",
        "nvsentinel",
        "azure",
        "gcm",
        "source",
    )
    actions = load_rules().actions
    for row in rows_of("xid.csv"):
        assert all(row[name].strip() for name in needed), row["code"]
        assert row["action"] in actions, row["code"]
        assert row["severity"] in set(XidSeverity), row["code"]
        assert None not in row, f"{row['code']} has a cell too many"


@needs_compiler
def test_trap_12_a_driver_that_hangs_is_told_within_the_deadline_with_what_needs_no_driver(
    tmp_path: Path,
) -> None:
    node = collected(tmp_path, faults={"init": "hang"}, deadline_s=0.5)

    assert ids(verdict(node)) == ["driver-hung"]
    assert len(node.pci_gpus or ()) == len(node.proc_gpus or ()) == GPUS
    assert node.kernel_log.source is not None


def test_trap_13_the_count_is_judged_without_any_setting() -> None:
    counted = {name: profile.gpu_count for name, profile in load_catalog().by_name.items() if profile.gpu}

    assert all(count > 0 for count in counted.values())
    assert ids(verdict(a_node([a_gpu(0)]))) == ["gpu-count"]


def test_trap_14_what_is_well_again_is_told_as_well_and_not_as_unjudged() -> None:
    sick, well = of_gpu(remap_pending=True), of_gpu()

    assert sick.standings["row-remap-pending"] is Standing.WARNING
    assert well.standings["row-remap-pending"] is Standing.HOLDS
    assert well.findings == ()


@needs_compiler
def test_trap_15_a_gpu_that_is_missing_without_an_xid_is_told_by_three_counts(tmp_path: Path) -> None:
    gone = {f"gpu1.{key}": None for key in ("uuid", "name", "bus_id")}
    off_the_bus = collected(tmp_path / "a", faults=gone, machine=Machine(missing=(1,)))
    dropped = collected(tmp_path / "b", faults=gone)
    by_driver = replace(dropped, gpus=dropped.gpus[:1])

    assert not off_the_bus.xids
    assert not dropped.xids
    assert [(found.id, found.detail) for found in verdict(off_the_bus).findings] == [
        ("gpu-count", "1 of 2, gone from PCI")
    ]
    assert ids(verdict(dropped)) == ["gpu-lost"]
    assert ids(verdict(by_driver)) == ["gpu-count", "gpu-dropped"]


def test_trap_16_an_xid_has_one_meaning_and_62_is_no_heat() -> None:
    codes = [row["code"] for row in rows_of("xid.csv")]
    found = next(iter(verdict(a_node([a_gpu(0), a_gpu(1)], xids=[an_xid(62)])).findings))

    assert len(codes) == len(set(codes))
    assert "controller" in found.detail
    assert load_xids()[62].peers["dcgm"] == "thermal warning"


def test_trap_17_the_reason_in_an_nvlink_word_is_not_its_unit() -> None:
    event = event_of("149, NETIR_LINK_EVT Fatal XC0 i0 Link 08 (0x004505c6 0x00000000)", 570)

    assert event is not None
    assert (event.unit, event.reason) == ("NETIR_LINK_EVT", 4)
    row = row_of(event, load_nvlink_rows())
    assert row is not None
    assert (row.subcode, row.reason, row.kind) == (17, 4, "link fatal")


def test_an_error_of_the_application_is_what_the_catalogue_restarts_it_for() -> None:
    meanings = load_xids().values()
    restarted = {one.code for one in meanings if one.nvidia.startswith("RESTART_APP")}

    assert {one.code for one in meanings if one.action in APPLICATION_ACTIONS} == restarted - {94}
