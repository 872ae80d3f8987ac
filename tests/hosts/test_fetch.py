"""Files brought from real hosts: written where the playbook says, and told."""

from __future__ import annotations

import yaml

from tests.cli_run import Edgectl
from tests.hosts.conftest import Boot
from tests.hosts.machines import inventory


def test_files_come_from_each_host_and_only_new_ones_are_told_as_new(boot: Boot, edgectl: Edgectl) -> None:
    hosts = [boot("one"), boot("two")]
    inventory(edgectl.inventory, hosts)
    for host in hosts:
        host.run(f"printf '{host.name}\\377' > /srv/f")
    play = edgectl.home / "play.yaml"
    task = {"fetch": {"src": "/srv/f", "dest": "in"}}
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))

    first, second = (edgectl("run", play) for _ in range(2))

    assert (first.code, second.code) == (0, 0)
    for host in hosts:
        brought = (edgectl.home / "in" / host.name / "srv" / "f").read_bytes()
        assert brought == host.name.encode() + b"\xff"
    assert "2 files fetched, 2 of them new" in first.out
    assert "2 files fetched, 0 of them new" in second.out


def test_files_of_a_loop_come_from_each_host(boot: Boot, edgectl: Edgectl) -> None:
    hosts = [boot("one"), boot("two")]
    inventory(edgectl.inventory, hosts)
    play = edgectl.home / "play.yaml"
    task = {"fetch": {"src": "/etc/{{ item }}", "dest": "in"}, "loop": ["passwd", "group"]}
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))

    ended = edgectl("run", play)

    assert "4 files fetched, 4 of them new" in ended.out
    assert all((edgectl.home / "in" / host.name / "etc" / "group").exists() for host in hosts)


def test_files_of_two_hosts_that_go_to_one_place_are_no_success_unless_they_are_alike(
    boot: Boot, edgectl: Edgectl
) -> None:
    hosts = [boot("one"), boot("two")]
    inventory(edgectl.inventory, hosts)
    for host in hosts:
        host.run(f"echo {host.name} > /srv/f")
    play = edgectl.home / "play.yaml"
    tasks = [
        {"fetch": {"src": f"/{name}", "dest": "in/f", "flat": True}, "tags": tag}
        for name, tag in (("srv/f", "other"), ("etc/passwd", "alike"))
    ]
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))

    other, alike = (edgectl("run", play, "--tags", tag) for tag in ("other", "alike"))

    assert (other.code, alike.code) == (8, 0)
    assert "1 files fetched, 1 of them new" in other.out
    assert "went to the same place (leave out 'flat', or name the host in 'dest'): " in other.out


def test_of_a_file_that_is_brought_twice_the_later_content_stays(boot: Boot, edgectl: Edgectl) -> None:
    inventory(edgectl.inventory, [boot("one")])
    play = edgectl.home / "play.yaml"
    bring = {"fetch": {"src": "/srv/f", "dest": "in"}}
    tasks = [{"shell": "echo a > /srv/f"}, bring, {"shell": "echo b > /srv/f"}, bring]
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))

    assert edgectl("run", play).code == 0
    assert (edgectl.home / "in" / "one" / "srv" / "f").read_text() == "b\n"


def test_a_file_that_cannot_be_written_here_is_no_success(boot: Boot, edgectl: Edgectl) -> None:
    inventory(edgectl.inventory, [boot("one")])
    (edgectl.home / "in").write_text("a file where the folder should be")
    play = edgectl.home / "play.yaml"
    task = {"fetch": {"src": "/etc/hostname", "dest": "in"}}
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))

    ended = edgectl("run", play)

    assert ended.code == 8
    assert "not here, since it cannot be written, or holds a secret: one: " in ended.out
