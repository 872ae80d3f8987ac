"""The README's table of faults is what was measured."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli_run import ROOT
from tests.faults.conftest import BootSite
from tests.faults.table import BEGIN, END, FAULTS, markdown, played, record, recorded
from tests.faults.tools import AnsibleTool, EdgectlTool, Tool
from tests.hosts import ansible_twin

_README = ROOT / "README.md"


def test_the_readme_shows_the_table_that_was_measured() -> None:
    shown = _README.read_text().partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == markdown(recorded())


def test_every_fault_was_measured() -> None:
    assert [row["fault"] for row in recorded()] == [fault.name for fault in FAULTS]


def test_no_fault_ran_a_task_twice_or_was_called_done_before_it_was() -> None:
    for row in recorded():
        found = row["edgectl"]
        assert isinstance(found, dict)
        assert found["host"] in ("not run", "run once", "cut off half-way"), row
        if str(found["report"]).startswith("changed"):
            assert found["host"] == "run once", row


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_measure_every_fault_beside_ansible(boot_site: BootSite, tmp_path: Path) -> None:
    reason = ansible_twin.missing()
    if reason:
        pytest.skip(reason)
    rows: list[dict[str, object]] = []
    for number, fault in enumerate(FAULTS):
        tools: list[Tool] = [EdgectlTool(tmp_path / f"e{number}"), AnsibleTool(tmp_path / f"a{number}")]
        sites = [boot_site(f"n{2 * number + place + 1:02}", **fault.boot) for place in range(len(tools))]
        with ThreadPoolExecutor(len(tools)) as pool:
            found = list(pool.map(lambda pair: played(fault, *pair), zip(tools, sites, strict=True)))  # noqa: B023
        rows.append({"fault": fault.name, **dict(zip((tool.name for tool in tools), found, strict=True))})
        for site in sites:
            site.machine.stop()
    record(rows, _README)
