"""The README's table of faults is what was measured."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cli_run import ROOT
from tests.faults.conftest import BootSite
from tests.faults.table import BEGIN, END, FAULTS, Fault, markdown, played, record, recorded
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
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_measure_a_fault_beside_ansible(
    boot_site: BootSite, tmp_path_factory: pytest.TempPathFactory, fault: Fault
) -> None:
    reason = ansible_twin.missing()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("t")  # short, since Ansible puts a socket below it
    tools: list[Tool] = [EdgectlTool(folder / "e"), AnsibleTool(folder / "a")]
    sites = [boot_site(f"n{number:02}", **fault.boot) for number in range(1, len(tools) + 1)]
    with ThreadPoolExecutor(len(tools)) as pool:
        found = list(pool.map(lambda tool, site: played(fault, tool, site), tools, sites))
    record({"fault": fault.name, **dict(zip((tool.name for tool in tools), found, strict=True))}, _README)
