"""Contract 4.6: leaving a run lets its work go on; cancelling it stops every process; a freeze starts no host."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli_run import Edgectl
from tests.faults.conftest import BootSite
from tests.faults.controllers import count, counted, play, started, wait_for
from tests.hosts.machines import Machine, inventory


@pytest.fixture
def edgectl(tmp_path: Path) -> Edgectl:
    (tmp_path / "home").mkdir()
    return Edgectl(tmp_path / "home", tmp_path / "inventory", {})


@pytest.fixture
def hosts(boot_site: BootSite, edgectl: Edgectl) -> Sequence[Machine]:
    found = [boot_site("n01").machine, boot_site("n02").machine]
    inventory(edgectl.inventory, found)
    return found


def latest(edgectl: Edgectl) -> str:
    return str(edgectl("runs", "list", "-o", "json").report()["data"]["runs"][0]["run"])


def test_whoever_interrupts_twice_is_told_how_to_come_back(
    edgectl: Edgectl, hosts: Sequence[Machine], tmp_path: Path
) -> None:
    running = started(edgectl, "run", play(tmp_path / "p.yaml", [count(1, "sleep 4"), count(2)]))
    wait_for(lambda: 1 in counted(hosts[0]))

    running.interrupt()
    running.interrupt()

    code, said = running.wait()
    assert (code, f"try: edgectl runs attach {latest(edgectl)}" in said) == (130, True), said
    assert edgectl("runs", "attach", "-o", "json").host("n01")["status"] == "changed"
    assert counted(hosts[0]) == {1: 1, 2: 1}


def test_a_cancelled_run_ends_with_its_processes_and_begins_no_other_host(
    edgectl: Edgectl, hosts: Sequence[Machine], tmp_path: Path
) -> None:
    running = started(edgectl, "run", play(tmp_path / "p.yaml", [count(1, "sleep 321 & sleep 321")]))
    wait_for(lambda: 1 in counted(hosts[0]))

    cancelled = edgectl("runs", "cancel", "-o", "json")

    assert cancelled.code == 0, cancelled
    assert cancelled.host("n01")["status"] == "failed"
    assert "cancelled by root" in cancelled.host("n01")["reason"]
    assert "sleep" not in hosts[0].run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").replace("sleep 321 &", "")
    assert running.wait()[0] == 6
    assert counted(hosts[1]) == {}


def test_a_cancelled_run_goes_on_where_nothing_is_done_twice(
    edgectl: Edgectl, hosts: Sequence[Machine], tmp_path: Path
) -> None:
    waits = "    - {wait_for: {path: /srv/quick, timeout: 300}}"
    playbook = play(tmp_path / "p.yaml", [count(1)], then=[waits, f"    - {{shell: '{count(2)}'}}"])
    running = started(edgectl, "run", playbook)
    wait_for(lambda: 1 in counted(hosts[0]))
    running.kill()
    assert edgectl("runs", "cancel").code == 0
    for host in hosts:
        host.run("touch /srv/quick")

    resumed = edgectl("runs", "resume", "-o", "json")

    assert resumed.code == 0, resumed
    assert [counted(host) for host in hosts] == [{1: 1, 2: 1}, {1: 1, 2: 1}]


def test_a_task_that_a_cancel_cut_off_is_not_begun_again_by_itself(
    edgectl: Edgectl, hosts: Sequence[Machine], tmp_path: Path
) -> None:
    running = started(edgectl, "run", play(tmp_path / "p.yaml", [count(1, "sleep 300")]))
    wait_for(lambda: 1 in counted(hosts[0]))
    running.kill()
    assert edgectl("runs", "cancel").code == 0

    resumed = edgectl("runs", "resume", "-o", "json")

    assert resumed.host("n01")["status"] == "unknown", resumed
    assert "it is not done again" in resumed.host("n01")["reason"]
    assert counted(hosts[0]) == {1: 1}


def test_a_freeze_refuses_a_changing_command_before_any_contact(
    edgectl: Edgectl, hosts: Sequence[Machine], tmp_path: Path
) -> None:
    playbook = play(tmp_path / "p.yaml", [count(1)])
    assert edgectl("freeze", "--reason", "the big sale", "--until", "4h").code == 0

    for words in (["run", playbook], ["exec", "all", "--", "true"], ["provision", "all", "-y"]):
        refused = edgectl(*words)
        assert refused.code == 6, refused
        assert "frozen by root" in refused.err
        assert "the big sale; no host was contacted" in refused.err
    assert edgectl("run", playbook, "--check").code == 0
    assert edgectl("ping").code == 0
    assert counted(hosts[0]) == {}
    assert "1 freeze lifted" in edgectl("freeze", "--lift").out
    assert edgectl("run", playbook).code == 0


def test_a_freeze_during_a_run_starts_no_other_host(
    edgectl: Edgectl, hosts: Sequence[Machine], tmp_path: Path
) -> None:
    running = started(edgectl, "run", play(tmp_path / "p.yaml", [count(1, "sleep 4")]))
    wait_for(lambda: 1 in counted(hosts[0]))
    edgectl("freeze", "--reason", "a storm")

    assert running.wait()[0] == 6
    assert [counted(host) for host in hosts] == [{1: 1}, {}]
    assert edgectl("runs", "prune", "--older-than", "0s", "-o", "json").report()["data"]["pruned"] == 0
    edgectl("freeze", "--lift")
    assert edgectl("runs", "resume").code == 0
    assert [counted(host) for host in hosts] == [{1: 1}, {1: 1}]
