"""The census of real OpenSSH servers: times, hosts that go away and come back, a key that changes."""

from __future__ import annotations

from tests.cli_run import Edgectl
from tests.hosts.conftest import Boot
from tests.hosts.machines import PORT, inventory


def test_a_census_knows_how_far_hosts_are_and_who_went_away_since_the_last(
    boot: Boot, edgectl: Edgectl
) -> None:
    here, going = boot("n01"), boot("n02")
    inventory(edgectl.inventory, [here, going])

    first = edgectl("ping", "-o", "json")
    assert first.code == 0, first
    data = first.host("n01")["data"]
    assert data["standing"] == "up"
    assert 0 < data["rtt_s"] < data["login_s"] < first.host("n01")["seconds"]
    assert data["tcp_s"] > 0

    going.stop()
    second = edgectl("ping")
    assert second.code == 5, second
    assert second.out.splitlines()[0].startswith("1 of 2 answer · median ")
    assert "1 new: n02" in second.out
    assert "connection refused" in second.out

    third = edgectl("ping")
    assert "1 for up to" in third.out
    assert "new" not in third.out


def test_a_census_through_a_bastion_tells_the_whole_way(boot: Boot, edgectl: Edgectl) -> None:
    bastion, behind = boot("jump"), boot("n01")
    inventory(edgectl.inventory, [behind])
    fleet = edgectl.inventory / "fleet.yaml"
    jump = f"{{address: {bastion.address}, user: root, port: {PORT}, key: {bastion.client_key}}}"
    fleet.write_text(fleet.read_text().replace("    hosts:\n", f"    ssh: {{bastion: {jump}}}\n    hosts:\n"))
    with (edgectl.inventory / "known_hosts").open("a") as pins:
        pins.write(f"{bastion.pin()}\n")

    ended = edgectl("ping", "-o", "json")

    data = ended.host("n01")["data"]
    assert data["rtt_s"] is None
    assert data["tcp_s"] > 0


def test_a_changed_key_is_told_with_the_command_to_check_it(boot: Boot, edgectl: Edgectl) -> None:
    host, other = boot("n01"), boot("n02")
    inventory(edgectl.inventory, [host])
    pin = other.pin().split(" ", 1)[1]
    (edgectl.inventory / "known_hosts").write_text(f"[{host.address}]:{PORT} {pin}\n")

    ended = edgectl("ping")

    assert ended.code == 5, ended
    assert "host key     1    n01 changed: SHA256:" in ended.out
    assert ended.out.rstrip().endswith("edgectl trust check n01")
