"""Contract 4.8: after `kill -9` of the controller, `runs resume` reaches the end of an undisturbed run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli_run import Edgectl
from tests.faults.conftest import BootSite
from tests.faults.controllers import count, counted, play, started, wait_for
from tests.faults.live import live
from tests.hosts.machines import Machine, inventory

ONCE = {1: 1, 2: 1, 3: 1}


@pytest.fixture
def hosts(boot_site: BootSite, edgectl: Edgectl) -> Sequence[Machine]:
    found = [boot_site("n01").machine, boot_site("n02").machine]
    inventory(edgectl.inventory, found)
    return found


@pytest.fixture
def edgectl(tmp_path: Path) -> Edgectl:
    return a_controller(tmp_path, "home", tmp_path / "inventory")


def a_controller(tmp_path: Path, name: str, folder: Path) -> Edgectl:
    home = tmp_path / name
    home.mkdir()
    return Edgectl(home, folder, {})


def killed(
    edgectl: Edgectl, playbook: Path, hosts: Sequence[Machine], begun: int = 1, options: Sequence[str] = ()
) -> str:
    """Kill the controller while its first hosts are in their second task, and return the run."""
    running = started(edgectl, "run", playbook.name, *options, cwd=playbook.parent)
    wait_for(lambda: all(2 in counted(host) for host in hosts[:begun]))
    running.kill()
    (run,) = edgectl("runs", "list", "-o", "json").report()["data"]["runs"]
    assert run["finished"] is None
    return str(run["run"])


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    return play(tmp_path / "play.yaml", [count(1), count(2, "sleep 2"), count(3)])


def test_what_was_begun_is_followed_to_its_end_and_the_rest_is_done(
    edgectl: Edgectl, hosts: Sequence[Machine], playbook: Path
) -> None:
    run = killed(edgectl, playbook, hosts)

    stuck = edgectl("runs", "list", "--stuck")
    assert f"edgectl runs attach {run}" in stuck.out
    assert "n01   no end known since" in stuck.out
    followed = edgectl("runs", "attach", "-o", "json")
    assert followed.code == 6, followed
    assert followed.host("n01")["status"] == "changed"
    assert followed.host("n02")["status"] == "not_run"
    assert "no run is without its end" in edgectl("runs", "list", "--stuck").out
    resumed = edgectl("runs", "resume", "-o", "json")
    assert resumed.code == 0, resumed
    assert resumed.report()["run"] == run
    assert resumed.report()["summary"]["changed"] == 2
    assert [counted(host) for host in hosts] == [ONCE, ONCE]
    assert "no run here has anything left to do" in edgectl("runs", "resume").err


def test_resuming_at_once_comes_back_to_the_task_that_is_running(
    edgectl: Edgectl, hosts: Sequence[Machine], playbook: Path
) -> None:
    run = killed(edgectl, playbook, hosts)

    resumed = edgectl("runs", "resume", run[:20], "-o", "json")

    assert resumed.code == 0, resumed
    assert [counted(host) for host in hosts] == [ONCE, ONCE]
    why = edgectl("runs", "show", run, "--why", "n01")
    assert "came back to its job" in why.out
    assert [why.out.count(f"  t{number}  ") for number in ONCE] == [1, 1, 1]
    assert "CET" in why.out or "CEST" in why.out


def test_another_controller_continues_with_playbook_inventory_and_id(
    edgectl: Edgectl, hosts: Sequence[Machine], playbook: Path, tmp_path: Path
) -> None:
    run = killed(edgectl, playbook, hosts)
    other = a_controller(tmp_path, "elsewhere", edgectl.inventory)
    copy = other.home / "the-same.yaml"
    copy.write_text(playbook.read_text())

    refused = other("runs", "resume", run)
    assert (refused.code, f"edgectl run PLAYBOOK SELECT --resume {run}" in refused.err) == (3, True)
    ended = other("run", copy, "--resume", run, "-o", "json")
    assert ended.code == 0, ended
    assert [counted(host) for host in hosts] == [ONCE, ONCE]
    assert other("runs", "show", "-o", "json").report()["run"] == run


def test_another_controller_follows_a_run_whose_hosts_are_named_and_does_the_rest(
    edgectl: Edgectl, hosts: Sequence[Machine], tmp_path: Path
) -> None:
    playbook = two_plays(tmp_path / "play.yaml")
    run = killed(edgectl, playbook, hosts, begun=2)
    other = a_controller(tmp_path, "elsewhere", edgectl.inventory)

    followed = other("runs", "attach", run, "-l", "n02", "-o", "json")
    assert followed.host("n02")["status"] == "changed", followed
    assert counted(hosts[1]) == {1: 1, 2: 1}
    more = other("runs", "attach", run, "-l", "n01")
    assert (more.code, f"for the rest: edgectl run PLAYBOOK SELECT --resume {run}" in more.out) == (0, True)
    ended = other("run", playbook, "--resume", run, "-o", "json")

    assert ended.code == 0, ended
    assert [counted(host) for host in hosts] == [{1: 1, 2: 1}, ONCE]


def two_plays(path: Path) -> Path:
    """Write a playbook whose second play is for the second host alone."""
    first = play(path, [count(1), count(2, "sleep 2")]).read_text().replace("  rollout: {canary: 1}\n", "")
    path.write_text(first + f"- hosts: n02\n  gather_facts: false\n  tasks: [{{shell: '{count(3)}'}}]\n")
    return path


def test_another_plan_is_refused_before_any_contact(
    edgectl: Edgectl, hosts: Sequence[Machine], playbook: Path
) -> None:
    run = killed(edgectl, playbook, hosts)
    playbook.write_text(playbook.read_text().replace("echo 3", "echo 33"))

    refused = edgectl("runs", "resume", run)

    assert refused.code == 3
    assert "n[01-02] would get another job" in refused.err
    assert "the playbook was sha256" in refused.err
    assert counted(hosts[1]) == {}


def test_a_failure_is_tried_again_as_another_attempt(
    edgectl: Edgectl, hosts: Sequence[Machine], tmp_path: Path
) -> None:
    playbook = play(tmp_path / "play.yaml", ["test -e /srv/ready", count(1)])
    assert edgectl("run", playbook).code == 6  # the canary failed
    for host in hosts:
        host.run("touch /srv/ready")

    resumed = edgectl("runs", "resume", "-o", "json")

    assert resumed.code == 0, resumed
    assert [counted(host) for host in hosts] == [{1: 1}, {1: 1}]
    run = resumed.report()["run"]
    assert f"{run}.0r1" in hosts[0].run("ls /var/lib/edgectl/runs")
    assert f"{run}.0r1" not in hosts[1].run("ls /var/lib/edgectl/runs")


def test_a_resumed_run_repeats_the_task_that_failed_and_none_before_it(
    edgectl: Edgectl, hosts: Sequence[Machine], tmp_path: Path
) -> None:
    tasks = [count(1), count(2, "test -e /srv/repaired"), count(3)]
    assert edgectl("run", play(tmp_path / "play.yaml", tasks)).code == 6
    hosts[1].run("touch /srv/repaired")
    assert edgectl("runs", "resume").code == 6
    hosts[0].run("touch /srv/repaired")
    resumed = edgectl("runs", "resume", "-o", "json")

    assert (resumed.code, [task["name"] for task in resumed.host("n01")["tasks"]]) == (0, ["t1", "t2", "t3"])
    assert [counted(host) for host in hosts] == [{1: 1, 2: 3, 3: 1}, {1: 1, 2: 1, 3: 1}]


def test_an_unreachable_host_that_was_begun_stays_unknown(
    edgectl: Edgectl, hosts: Sequence[Machine], playbook: Path
) -> None:
    run = killed(edgectl, playbook, hosts, options=["--deadline", "10s"])
    hosts[0].stop()

    resumed = edgectl("runs", "resume", run, "-o", "json")

    assert resumed.host("n01")["status"] == "unknown", resumed
    assert "it was begun before" in resumed.host("n01")["reason"]


def test_a_host_that_is_down_when_the_run_goes_on_is_waited_for(
    edgectl: Edgectl, boot_site: BootSite, playbook: Path
) -> None:
    site = boot_site("n01")
    inventory(edgectl.inventory, [replace(site.machine, address=site.proxy.listen[0])])
    run = killed(edgectl, playbook, [site.machine])
    site.proxy.refuse()
    with live(edgectl, "runs", "resume", run) as controller:
        assert controller.until(lambda event: event["type"] == "HostLost")
        site.proxy.clear()
        code, said = controller.ended()

    assert code == 0, said
    assert counted(site.machine) == ONCE


def test_plays_over_other_hosts_go_on_where_they_were(
    edgectl: Edgectl, hosts: Sequence[Machine], tmp_path: Path
) -> None:
    run = killed(edgectl, two_plays(tmp_path / "play.yaml"), hosts, begun=2)

    followed = edgectl("runs", "attach", run, "-o", "json")
    assert followed.code == 6, followed
    assert [followed.host(name)["status"] for name in ("n01", "n02")] == ["changed", "not_run"]
    assert "its later plays were not started" in followed.host("n02")["reason"]
    resumed = edgectl("runs", "resume", run, "-o", "json")

    assert resumed.code == 0, resumed
    assert [counted(host) for host in hosts] == [{1: 1, 2: 1}, ONCE]
    assert len(resumed.host("n02")["tasks"]) == 3
    assert edgectl("runs", "resume", run, "-o", "json").report()["summary"]["changed"] == 2
    assert [counted(host) for host in hosts] == [{1: 1, 2: 1}, ONCE]
