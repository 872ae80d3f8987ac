"""What goes wrong with drivers on real hosts, each caused on a real Debian: holds, origins, globs, upgrades, dpkg."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.cli_run import Ended
from tests.hosts import nspawn, nvidia_archive
from tests.hosts.debian_rack import Rack, debian_rack
from tests.hosts.nspawn import Debian

pytestmark = pytest.mark.timeout(600)
NODE = "fra1-r1-n01"
NEW, OLD = "580.105.08-1", "580.95.05-1"
DRIVER = ("nvidia-open", "nvidia-kernel-open-dkms", "nvidia-driver-cuda", "nvidia-persistenced")


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    if reason := nspawn.missing() or nvidia_archive.missing():
        pytest.skip(reason)
    with debian_rack(tmp_path_factory.mktemp("traps"), f"127.93.{os.getpid() % 250}", nodes=1) as made:
        made.machines[NODE].run("apt-get update")
        yield made


@pytest.fixture
def node(rack: Rack) -> Debian:
    """Return the machine without any of the stack."""
    machine = rack.machines[NODE]
    machine.run(
        "apt-mark unhold $(apt-mark showhold) >/dev/null 2>&1; rm -f /etc/apt/preferences.d/*;"
        " dpkg --purge $(dpkg-query -W -f='${Package} ' 'nvidia*' '*container*' 'datacenter*' 'edge*' 2>/dev/null)"
        " >/dev/null 2>&1; rm -rf /var/lib/fake-nvidia; true"
    )
    return machine


def play(rack: Rack, *tasks: dict[str, Any]) -> Ended:
    path = rack.folder / "play.yaml"
    one = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [{"name": f"t{n}", **task} for n, task in enumerate(tasks)],
    }
    path.write_text(yaml.safe_dump([one], sort_keys=False))
    return rack.edgectl("run", path, "-o", "json", timeout_s=120)


def packages(version: str = NEW, *names: str, **more: Any) -> dict[str, Any]:
    return {"apt_packages": {"packages": dict.fromkeys(names or DRIVER, version), **more}}


def statuses(ended: Ended) -> list[str]:
    return [task["status"] for task in ended.host(NODE)["tasks"]]


def reason(ended: Ended) -> str:
    assert ended.code == 4, ended
    return str(ended.host(NODE)["reason"])


def version_of(node: Debian, name: str) -> str:
    return node.try_run(f"dpkg-query -W -f='${{db:Status-Status}} ${{Version}}' {name} 2>/dev/null").stdout


def test_the_whole_stack_comes_in_one_transaction_and_again_nothing(rack: Rack, node: Debian) -> None:
    before = node.run("grep -c '^Start-Date' /var/log/apt/history.log 2>/dev/null || true").strip() or "0"
    ended = play(rack, packages(), packages())
    assert statuses(ended) == ["changed", "ok"], ended
    after = node.run("grep -c '^Start-Date' /var/log/apt/history.log").strip()
    assert int(after) - int(before) == 1
    assert version_of(node, "nvidia-open") == f"installed {NEW}"


def test_a_hold_on_a_name_that_is_only_provided_holds_what_provides_it(rack: Rack, node: Debian) -> None:
    hold = {"apt_hold": {"packages": ["nvidia-imex-580", "nvidia-persistenced"]}}
    ended = play(rack, packages(NEW, "nvidia-imex", "nvidia-persistenced"), hold, hold)
    assert statuses(ended) == ["changed", "changed", "ok"], ended
    assert node.run("apt-mark showhold").split() == ["nvidia-imex", "nvidia-persistenced"]


@pytest.mark.usefixtures("node")
def test_a_hold_on_what_is_not_there_is_no_success(rack: Rack) -> None:
    assert "not installed, so they cannot be held: nvidia-imex-580" in reason(
        play(rack, {"apt_hold": {"packages": ["nvidia-imex-580"]}})
    )


@pytest.mark.parametrize("version", ["580.*", "", ">=580"])
def test_a_version_that_could_drift_is_refused_before_any_contact(rack: Rack, version: str) -> None:
    ended = play(rack, packages(version))
    assert (ended.code, "must have one exact version" in ended.err) == (3, True), ended


def test_a_version_that_no_archive_has_changes_nothing_and_names_what_there_is(
    rack: Rack, node: Debian
) -> None:
    said = reason(play(rack, packages("580.999.99-1")))
    assert "no archive of this host has nvidia-open=580.999.99-1; it has 580.105.08-1, 580.95.05-1" in said
    assert version_of(node, "nvidia-persistenced") == ""


def test_a_driver_and_a_library_of_two_versions_are_not_installed(rack: Rack, node: Debian) -> None:
    apart = {"apt_packages": {"packages": {"nvidia-open": NEW, "nvidia-driver-cuda": OLD}}}
    assert "apt cannot install these together" in reason(play(rack, apart))
    assert version_of(node, "nvidia-open") == ""


def test_what_nobody_named_is_not_changed_for_it(rack: Rack, node: Debian) -> None:
    play(rack, packages(OLD))
    said = reason(play(rack, packages(NEW, "nvidia-open")))
    assert "the transaction would also change" in said
    assert "nvidia-kernel-open-dkms" in said
    assert version_of(node, "nvidia-open") == f"installed {OLD}"


@pytest.mark.usefixtures("node")
def test_a_stack_from_another_archive_is_refused(rack: Rack) -> None:
    said = reason(play(rack, packages(origin="Ubuntu")))
    assert "not from 'Ubuntu' but from elsewhere: nvidia-open (NVIDIA)" in said
    assert statuses(play(rack, packages(origin="NVIDIA"))) == ["changed"]


def test_an_unattended_upgrade_leaves_a_driver_that_is_pinned_and_held(rack: Rack, node: Debian) -> None:
    play(rack, packages(OLD), {"apt_hold": {"packages": list(DRIVER)}})
    assert "\n4 upgraded" in node.run(
        f"apt-mark unhold {' '.join(DRIVER)} >/dev/null; apt-get -s dist-upgrade"
    )
    node.run(f"apt-mark hold {' '.join(DRIVER)}")
    node.run("DEBIAN_FRONTEND=noninteractive apt-get -y dist-upgrade")
    assert [version_of(node, name) for name in DRIVER] == [f"installed {OLD}"] * 4


def test_a_held_stack_goes_to_the_next_baseline_as_a_whole(rack: Rack, node: Debian) -> None:
    play(rack, packages(OLD), {"apt_hold": {"packages": list(DRIVER)}})
    # apt lets go of a hold that it was allowed to change, so that the hold is to be set again.
    hold = {"apt_hold": {"packages": list(DRIVER)}}
    assert statuses(play(rack, packages(NEW), hold, hold)) == ["changed", "changed", "ok"]
    assert [version_of(node, name) for name in DRIVER] == [f"installed {NEW}"] * 4


def test_a_dpkg_that_was_killed_in_the_middle_is_repaired(rack: Rack, node: Debian) -> None:
    node.run(
        "systemd-run --unit=half --quiet sh -c 'DPKG_FORCE=confold apt-get -y install nvidia-driver-cuda="
        + OLD
        + " -o Dpkg::Pre-Invoke::=true' ; sleep 0.05;"
        " for n in $(seq 200); do pkill -9 -x dpkg && break; sleep 0.01; done; systemctl stop half; true"
    )
    assert node.try_run("dpkg --audit").stdout or "installed" not in version_of(node, "nvidia-driver-cuda")
    ended = play(rack, packages())
    assert statuses(ended) == ["changed"], ended
    assert node.run("dpkg --audit") == ""


def test_it_waits_for_another_apt_to_end(rack: Rack, node: Debian) -> None:
    node.run(
        "systemd-run --unit=holder --quiet python3 -c 'import fcntl, time\n"
        'f = open("/var/lib/dpkg/lock-frontend", "w"); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(4)\''
    )
    assert statuses(play(rack, packages())) == ["changed"]


def test_a_full_disk_is_a_failure_that_is_named(rack: Rack, node: Debian) -> None:
    node.run(
        "mount -t tmpfs -o size=64k full /var/cache/apt/archives && mkdir /var/cache/apt/archives/partial"
    )
    node.run(
        "mount -t tmpfs -o size=4k,nr_inodes=3 full /var/lib/dpkg/updates && touch /var/lib/dpkg/updates/a; true"
    )
    try:
        said = reason(play(rack, packages()))
    finally:
        node.run("umount /var/cache/apt/archives; umount /var/lib/dpkg/updates")
    assert "No space left on device" in said


def test_a_daemon_that_runs_but_is_not_enabled_is_enabled(rack: Rack, node: Debian) -> None:
    play(rack, packages())
    node.run("systemctl disable nvidia-persistenced && systemctl start nvidia-persistenced")
    task = {"systemd_service": {"name": "nvidia-persistenced", "enabled": True, "state": "started"}}
    assert statuses(play(rack, task, task)) == ["changed", "ok"]
