"""Faults x GPU models x driver branches, through the collector and the rules: detected, missed, false."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.health.faults import FAULTS, Fault
from tests.health.matrix import HEALTHY, Cell, Outcome, cells, run, sample, table, tallies
from tests.nvml.branches import BRANCHES, COMPILER, NO_COMPILER
from tests.nvml.skus import SKUS

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
HEALTHY_HOSTS = [
    Cell(HEALTHY, sku, branch, mig, library)
    for library in (True, False)
    for sku in SKUS
    for branch in BRANCHES
    for mig in ((False, True) if SKUS[sku].mig else (False,))
]


def wrong(outcomes: Sequence[Outcome]) -> list[str]:
    return [line for tally in tallies(outcomes).values() for line in tally.wrong]


def test_there_are_as_many_faults_as_were_promised_and_each_has_its_own_name() -> None:
    names = [fault.name for fault in FAULTS]

    assert len(names) >= 60
    assert len(names) == len(set(names))
    assert (len(SKUS), set(BRANCHES)) == (16, {"535", "550", "570", "580", "595"})


def test_no_healthy_gpu_model_alarms_on_any_branch_with_or_without_mig_through_nvml_or_nvidia_smi(
    tmp_path: Path,
) -> None:
    outcomes = run(HEALTHY_HOSTS, tmp_path)

    print(f"\n{len(outcomes)} healthy hosts, {sum(bool(one.false) for one in outcomes)} false alarms")
    assert wrong(outcomes) == []
    assert {one.collector for one in outcomes} == {"nvml", "nvidia-smi"}


def test_no_healthy_gpu_model_alarms_at_its_second_look(tmp_path: Path) -> None:
    again = Fault("a second look", [], earlier={"temperature_c": 33.0})
    outcomes = run([replace(cell, fault=again) for cell in HEALTHY_HOSTS if cell.branch == "595"], tmp_path)

    assert wrong(outcomes) == []


def test_every_fault_is_told_on_some_hosts_and_nothing_else_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = run(list(sample(FAULTS, 3)), tmp_path)

    with capsys.disabled():
        print(f"\n{table(tallies(outcomes))}")
    assert wrong(outcomes) == []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_fault_is_told_on_every_model_and_branch_and_nothing_else_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every = list(cells(FAULTS))
    outcomes = run([cell for cell in every if cell.is_possible], tmp_path)

    with capsys.disabled():
        print(f"\n{table(tallies(outcomes, [cell for cell in every if not cell.is_possible]))}")
    assert wrong(outcomes) == []
