"""The same job against real OpenSSH servers, in every condition that a fleet meets."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.cli_run import Edgectl
from tests.faults.controllers import started
from tests.hosts.conftest import Boot
from tests.hosts.machines import PORT, Machine, inventory, keypair

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: a file
      copy: {content: "hello\\n", dest: /srv/hello, mode: "0640"}
"""


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "play.yaml"
    path.write_text(PLAYBOOK)
    return path


def test_a_run_changes_a_host_once_and_then_leaves_it_alone(
    boot: Boot, edgectl: Edgectl, playbook: Path
) -> None:
    host = boot("n01")
    inventory(edgectl.inventory, [host])
    first = edgectl("run", playbook, "-o", "json")
    assert first.host("n01")["status"] == "changed", first
    assert host.run("stat -c '%a' /srv/hello; cat /srv/hello") == "640\nhello\n"
    second = edgectl("run", playbook, "-o", "json")
    assert second.report()["summary"]["ok"] == 1
    assert second.code == 0


def test_a_wrong_key_is_unreachable_and_says_so(
    boot: Boot, edgectl: Edgectl, playbook: Path, tmp_path: Path
) -> None:
    inventory(edgectl.inventory, [boot("n01")])
    other = keypair(tmp_path / "other_key")
    fleet = edgectl.inventory / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace(str(tmp_path / "client_key"), str(other)))
    ended = edgectl("run", playbook, "-o", "json")
    assert ended.code == 5
    assert ended.host("n01")["status"] == "unreachable"
    assert "refuses to log us in as root" in ended.host("n01")["reason"]


def test_a_changed_host_key_is_refused_with_both_fingerprints(
    boot: Boot, edgectl: Edgectl, playbook: Path, tmp_path: Path
) -> None:
    host = boot("n01")
    inventory(edgectl.inventory, [host])
    kind, key = keypair(tmp_path / "imposter").with_suffix(".pub").read_text().split()[:2]
    (edgectl.inventory / "known_hosts").write_text(f"[{host.address}]:{PORT} {kind} {key}\n")
    ended = edgectl("run", playbook)
    assert ended.code == 5
    assert "host key changed: SHA256:" in ended.out
    assert "(pinned SHA256:" in ended.out
    assert "edgectl trust check n01" in ended.out
    assert not Path(host.folder / "scratch/srv/upper/hello").exists()


def test_an_unknown_host_key_is_refused_until_it_is_pinned(boot: Boot, edgectl: Edgectl) -> None:
    inventory(edgectl.inventory, [boot("n01")])
    (edgectl.inventory / "known_hosts").unlink()
    assert "host key unknown" in edgectl("ping").out
    assert edgectl("trust", "scan").code == 2
    assert edgectl("trust", "scan", "-y").code == 0
    assert edgectl("ping").code == 0
    assert edgectl("trust", "check").code == 0


def test_hosts_behind_a_bastion_share_one_connection_to_it(
    boot: Boot, edgectl: Edgectl, playbook: Path
) -> None:
    bastion = boot("jump")
    hosts = [boot("n01"), boot("n02"), boot("n03")]
    inventory(edgectl.inventory, hosts)
    fleet = edgectl.inventory / "fleet.yaml"
    jump = f"{{address: {bastion.address}, user: root, port: {PORT}, key: {bastion.client_key}}}"
    through = f"    ssh: {{bastion: {jump}}}\n"
    fleet.write_text(fleet.read_text().replace("    hosts:\n", f"{through}    hosts:\n"))
    with (edgectl.inventory / "known_hosts").open("a") as pins:
        pins.write(f"{bastion.pin()}\n")
    ended = edgectl("run", playbook, "-o", "json")
    assert ended.report()["summary"]["changed"] == 3, ended
    log = (bastion.folder / "log").read_text()
    assert log.count("Accepted publickey") == 1


SUDO_WITH_PASSWORD = """\
useradd -m -p "$(openssl passwd -6 s3cret)" ops
rm -f /etc/sudoers.d/*
printf 'root ALL=(ALL) ALL\\nops ALL=(ALL) ALL\\n' > /etc/sudoers
"""
BECOME = """\
- hosts: all
  gather_facts: false
  secrets: {become_password: {env: SUDO_PW}}
  tasks:
    - name: as root
      command: id -un
      become: true
      register: root
    - name: as the one who logged in
      command: id -un
      register: me
    - name: both as wanted
      assert: {that: ["root.stdout == 'root'", "me.stdout == 'ops'"]}
"""


def test_sudo_with_a_password_becomes_root_for_those_tasks_that_ask(
    boot: Boot, edgectl: Edgectl, tmp_path: Path
) -> None:
    inventory(edgectl.inventory, [boot("n01", prepare=SUDO_WITH_PASSWORD)], user="ops")
    path = tmp_path / "become.yaml"
    path.write_text(BECOME)
    ended = edgectl("run", path, "-o", "json", more={"SUDO_PW": "s3cret"})
    assert ended.code == 0, ended
    assert "s3cret" not in ended.out + ended.err


def test_a_wrong_sudo_password_fails_the_host_and_reaches_no_task(
    boot: Boot, edgectl: Edgectl, tmp_path: Path
) -> None:
    host = boot("n01", prepare=SUDO_WITH_PASSWORD)
    inventory(edgectl.inventory, [host], user="ops")
    path = tmp_path / "become.yaml"
    path.write_text(BECOME)
    ended = edgectl("run", path, "-o", "json", more={"SUDO_PW": "wrong"})
    assert ended.code == 4
    assert "sudo refuses us" in ended.host("n01")["reason"]
    assert ended.host("n01")["tasks"] == []


def test_no_password_is_left_in_the_process_list_or_the_journal(
    boot: Boot, edgectl: Edgectl, tmp_path: Path
) -> None:
    host = boot("n01", prepare=SUDO_WITH_PASSWORD)
    inventory(edgectl.inventory, [host], user="ops")
    path = tmp_path / "ps.yaml"
    path.write_text(
        BECOME
        + '    - name: list\n      shell: \'cat /proc/*/cmdline | tr "\\\\0" " "\'\n      become: true\n'
    )
    ended = edgectl("run", path, "-o", "json", more={"SUDO_PW": "s3cret"})
    assert ended.code == 0, ended
    assert "s3cret" not in ended.out
    assert host.run("grep -rl s3cret /var/lib/edgectl /run/edgectl || true") == ""


def test_a_banner_and_a_profile_that_prints_do_not_get_between(
    boot: Boot, edgectl: Edgectl, playbook: Path, tmp_path: Path
) -> None:
    banner = tmp_path / "banner"
    banner.write_text("AUTHORISED USE ONLY\n" * 20)
    noisy = "printf 'echo profile says hello; echo and more >&2\\n' > /root/.bashrc"
    inventory(edgectl.inventory, [boot("n01", prepare=noisy, extra=f"Banner {banner}")])
    ended = edgectl("run", playbook, "-o", "json")
    assert ended.report()["summary"]["changed"] == 1, ended


def test_a_host_without_python_is_failed_with_that_reason(
    boot: Boot, edgectl: Edgectl, playbook: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    for program in ("sh", "id", "head"):
        (empty / program).symlink_to(f"/bin/{program}")
    host = boot("n01", extra=f"SetEnv PATH={empty}")
    config = host.folder / "sshd_config"
    assert "SetEnv" in config.read_text()
    inventory(edgectl.inventory, [host])
    ended = edgectl("run", playbook, "-o", "json")
    assert ended.code == 4, ended
    assert "no Python 3.9 or later" in ended.host("n01")["reason"]


def test_output_is_folded_and_streams_are_kept_apart(boot: Boot, edgectl: Edgectl) -> None:
    inventory(edgectl.inventory, [boot("n01"), boot("n02"), boot("n03")])
    ended = edgectl("exec", "all", "--", "echo", "same")
    assert ended.code == 0
    assert "n[01-03]  (3)\n  same\n" in ended.out
    assert ended.err == ""


def test_a_task_of_the_one_who_logged_in_loads_its_code_after_root_is_given_up(
    boot: Boot, edgectl: Edgectl, tmp_path: Path
) -> None:
    inventory(edgectl.inventory, [boot("n01", prepare=SUDO_WITH_PASSWORD)], user="ops")
    path = tmp_path / "late.yaml"
    path.write_text(BECOME + "    - name: needs more code\n      gpu_facts:\n")
    ended = edgectl("run", path, "-o", "json", more={"SUDO_PW": "s3cret"})
    assert ended.code == 0, ended


def test_a_host_that_another_run_holds_is_waited_for_where_somebody_says_so(
    boot: Boot, edgectl: Edgectl
) -> None:
    machine = boot("fra1-n01")
    inventory(edgectl.inventory, [machine])
    hold = "touch /srv/held; until test -e /srv/free; do sleep 0.2; done"
    holding = started(edgectl, "exec", "all", "--", hold)
    await_file(machine, "/srv/held")
    refused = edgectl("exec", "all", "-o", "json", "--", "true")
    freeing = threading.Timer(1, machine.run, ("touch /srv/free",))
    freeing.start()
    waited = edgectl("exec", "all", "--wait", "1m", "-o", "json", "--", "true")
    ended, _ = holding.wait()
    freeing.join()

    assert (refused.code, refused.host("fra1-n01")["status"]) == (7, "busy")
    assert "in 'touch /srv/held; until" in refused.host("fra1-n01")["reason"]
    assert (waited.code, waited.host("fra1-n01")["status"]) == (0, "changed")
    assert ended == 0
    assert edgectl("exec", "all", "--wait", "soon", "--", "true").code == 2


def await_file(machine: Machine, path: str) -> None:
    give_up = time.monotonic() + 20
    while "yes" not in machine.run(f"test -e {path} && echo yes || true"):
        assert time.monotonic() < give_up, f"{path} did not come"
        time.sleep(0.1)
