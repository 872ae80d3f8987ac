"""No change of logins, firewall or keys locks us out: each that would is taken back by the host within its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl import shipped
from edgectl.lab.layout import Network
from edgectl.lab.lifecycle import down
from tests.cli_run import Ended
from tests.hosts.debian_lab import DebianLab, bring_up, over
from tests.hosts.lab_box import Box

HOST = "fra1-r1-n01"
WITHIN_S = 3.0
# A change that is to stay may take its time on a loaded machine: it ends with the login, and not with the time.
_STAYS_WITHIN_S = 20.0
# What a login, a timer that is a little late, and undoing itself take on a loaded machine.
_GRACE_S = 30.0
_STATE = (
    "cat /etc/nftables.conf /etc/ssh/sshd_config.d/* /root/.ssh/authorized_keys 2>/dev/null | sha256sum;"
    " nft list tables | sort; nft list table inet edgectl | sha256sum; nft list table inet other | sha256sum;"
    " sshd -T | sha256sum"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianLab]:
    """One machine with a network, and so a firewall, of its own."""
    folder = tmp_path_factory.mktemp("lockout")
    status = bring_up(folder / "lab", hosts=1, network=Network.PRIVATE)
    try:
        made = over(status, folder / "home")
        # A site's machine has a policy for logins and a firewall that let us in.
        for playbook in ("sshd", "firewall"):
            ended = run(made, playbook, _STAYS_WITHIN_S, management=[ours(made)])
            assert (ended.code, ended.host(HOST)["status"]) == (0, "changed"), ended.host(HOST)["reason"]
        # In the state that is compared, so that each case proves that a table of others is left alone.
        made.exec(HOST, "nft add table inet other; nft add chain inet other mine")
        yield made
    finally:
        down(status.directory)


def ours(lab: DebianLab) -> str:
    """Return the network we come from."""
    return f"{lab.status.hosts[0].address.rpartition('.')[0]}.0/24"


def run(lab: DebianLab, playbook: str, within_s: float = WITHIN_S, **given: Any) -> Ended:
    """Run a shipped playbook that asks for its fresh login sooner."""
    text = (shipped.playbooks() / f"{playbook}.yaml").read_text()
    path = lab.edgectl.home / f"{playbook}.yaml"
    path.write_text(text.replace("120s", f"{within_s:g}s"))
    given = {
        "firewall_management": given.pop("management", ["10.0.0.0/8"]),
        "firewall_ssh_port": 2222,
        **given,
    }
    return lab.edgectl("run", path, HOST, "-o", "json", "-e", yaml.safe_dump(given, default_flow_style=True))


def keys(lab: DebianLab, content: str) -> Ended:
    task = {
        "name": "keys",
        "copy": {"content": content, "dest": "/root/.ssh/authorized_keys", "mode": "0600"},
        "confirm": f"{WITHIN_S:g}s",
    }
    return lab.play(HOST, task)


def fresh_login(lab: DebianLab) -> str:
    """Log in by another client than edgectl's, on a new connection, and return what may lock us out, as it is."""
    box = Box(lab.status.directory, lab.status.hosts[0].address)
    try:
        return box.run(_STATE).out
    finally:
        box.close()


OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1dCBub3Qgb3VycywgYnV0IG5vdCBvdXJzISEh other\n"
LOCKOUTS = {
    "sshd lets in another user only": lambda lab: run(lab, "sshd", sshd_allow_users=["nobody"]),
    "sshd lets nobody in as root": lambda lab: run(lab, "sshd", sshd_root_login="no"),
    "the firewall lets another network in": lambda lab: run(lab, "firewall", management=["192.0.2.0/24"]),
    "the firewall opens another port": lambda lab: run(
        lab, "firewall", management=["10.0.0.0/8"], firewall_ssh_port=22
    ),
    "our key is not among the keys": lambda lab: keys(lab, OTHER_KEY),
    "there is no key at all": lambda lab: keys(lab, ""),
}


@pytest.mark.parametrize("how", LOCKOUTS)
def test_what_locks_us_out_is_taken_back_within_its_time(lab: DebianLab, how: str) -> None:
    before = fresh_login(lab)
    began = time.monotonic()

    ended = LOCKOUTS[how](lab)

    assert time.monotonic() - began < WITHIN_S + _GRACE_S
    host = ended.host(HOST)
    assert (ended.code, host["status"]) == (4, "failed"), ended
    assert f"no fresh login came through within {WITHIN_S:g} s; the change was taken back" in host["reason"]
    assert fresh_login(lab) == before


@pytest.mark.parametrize(
    ("playbook", "given", "said"),
    [
        ("firewall", {"management": ["not-a-network"]}, "firewall / policy"),
        ("firewall", {"management": ["10.0.0.0/8"], "firewall_service_ports": [99999]}, "firewall / policy"),
        ("sshd", {"sshd_root_login": "perhaps"}, "sshd / policy"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_daemon_reads_it(
    lab: DebianLab, playbook: str, given: dict[str, Any], said: str
) -> None:
    before = fresh_login(lab)
    ended = run(lab, playbook, **given)

    assert (ended.code, ended.host(HOST)["failed_task"]) == (4, said), ended
    assert "taken back" in ended.host(HOST)["reason"]
    assert fresh_login(lab) == before


def test_a_firewall_that_lets_us_in_stays_and_lets_nobody_else_in(lab: DebianLab) -> None:
    again = run(lab, "firewall", _STAYS_WITHIN_S, management=[ours(lab)])

    assert (again.code, again.host(HOST)["status"]) == (0, "ok"), again
    assert "policy drop" in lab.exec(HOST, "nft list table inet edgectl")


def test_no_timer_is_left_behind(lab: DebianLab) -> None:
    units = (
        "systemctl list-units --all --plain --no-legend 'edgectl-undo-*'; ls /etc/systemd/system | grep undo"
    )

    assert lab.exec(HOST, f"({units}) || true") == ""


def test_the_folder_of_keys_is_the_site_s(lab: DebianLab) -> None:
    assert (Path(lab.status.directory) / "client_key.pub").read_text().split()[1] in lab.exec(
        HOST, "cat /root/.ssh/authorized_keys"
    )
