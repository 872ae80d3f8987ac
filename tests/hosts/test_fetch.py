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


def test_a_file_that_cannot_be_written_here_is_no_success(boot: Boot, edgectl: Edgectl) -> None:
    inventory(edgectl.inventory, [boot("one")])
    (edgectl.home / "in").write_text("a file where the folder should be")
    play = edgectl.home / "play.yaml"
    task = {"fetch": {"src": "/etc/hostname", "dest": "in"}}
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))

    ended = edgectl("run", play)

    assert ended.code == 8
    assert "not here, since it cannot be written, or holds a secret: one: " in ended.out
