"""Twelve lab nodes measured at once, one of them 10 % slower: who is named?

Twelve real engines on the two cores of a test machine would measure each other. So each node serves a scripted engine
(`tests/remote/paced_engine.py`) whose pace is a sleep, not work; nodes, SSH, the load generator at each node and the
record are the real ones, and all twelve are measured at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from edgectl.lab.lifecycle import LabStatus, down
from tests.cli_run import Edgectl, Ended
from tests.hosts.lab_box import address_base, bring_up

_HOSTS = 12
_SLOW = 7
_ENGINE = Path(__file__).parents[1] / "remote/paced_engine.py"
# 25 tokens a second each, four at once on twelve nodes: 1,200 chunks a second through two cores.
_GAP_MS = 40
_UNIT = """\
[Service]
ExecStart=/usr/bin/env python3 /root/paced_engine.py --host {{ ansible_host }} --slots 8 --noise 0.02 \\
  --port 8000 --gap-ms {{ gap_ms }} --first-ms {{ gap_ms }}
[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Measured:
    """What became of it, and who should be named."""

    slow: str
    edgectl: Edgectl
    run: Ended
    outliers: Ended


def _playbook(slow: str) -> list[dict[str, object]]:
    tasks = [
        {"copy": {"src": str(_ENGINE), "dest": "/root/paced_engine.py"}},
        {"copy": {"content": _UNIT, "dest": "/etc/systemd/system/paced.service"}},
        {"systemd_service": {"name": "paced", "state": "restarted", "daemon_reload": True}},
    ]
    gap = f"{{{{ {_GAP_MS} * (1.1 if inventory_hostname == '{slow}' else 1) }}}}"
    return [{"hosts": "all", "gather_facts": False, "become": True, "vars": {"gap_ms": gap}, "tasks": tasks}]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("fleet")
    lab: LabStatus = bring_up(folder / "lab", f"{address_base()}.101", _HOSTS)
    try:
        home = folder / "home"
        home.mkdir()
        edgectl = Edgectl(home, lab.inventory, {})
        slow = lab.hosts[_SLOW].name
        (home / "engines.yaml").write_text(yaml.safe_dump(_playbook(slow)))
        ready = edgectl("run", "engines.yaml", "all")
        assert ready.code == 0, ready
        run = edgectl("bench", "run", "all", "--profile", "quick", "--duration", "12s", timeout_s=200)
        outliers = edgectl("bench", "show", "--outliers", "-o", "json")
        yield Measured(slow, edgectl, run, outliers)
    finally:
        down(lab.directory)


def test_all_twelve_are_measured_at_once_and_told_as_rows(measured: Measured) -> None:
    assert measured.run.code == 0, measured.run
    assert f"fleet ({_HOSTS})" in measured.run.out
    assert f"{_HOSTS} ok" in measured.run.out


def test_the_slow_one_is_named_and_no_other(measured: Measured) -> None:
    data = measured.outliers.report()["data"]

    assert len(data["measured"]) == _HOSTS
    assert data["without_peers"] == []
    assert {outlier["host"] for outlier in data["outliers"]} == {measured.slow}
    tpot = next(outlier for outlier in data["outliers"] if outlier["figure"] == "tpot.p50")
    assert tpot["worse"] == pytest.approx(0.1, abs=0.03)


def test_a_person_is_told_by_how_much_and_where_to_look(measured: Measured) -> None:
    shown = measured.edgectl("bench", "show", "--outliers").out

    assert shown.startswith(f"{_HOSTS} nodes measured, 1 differs\n")
    assert f"worse than {_HOSTS - 1} peers in the fleet" in shown
    assert f"edgectl health {measured.slow}" in shown


def test_the_run_is_shown_again_from_the_record(measured: Measured) -> None:
    shown = measured.edgectl("bench", "show")

    assert shown.code == 0, shown
    assert measured.slow in shown.out
    assert "bench run" in shown.out.splitlines()[0]
