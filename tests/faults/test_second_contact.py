"""What goes up a thin line: the code once, and from then on the job alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.cli_run import Edgectl
from tests.faults.conftest import BootSite
from tests.faults.proxy import Line
from tests.hosts.machines import inventory

LIMIT_BYTES = 4000
UPLINK = 1_000_000.0  # bytes a second, each way
PLAY = "- hosts: all\n  gather_facts: false\n  tasks:\n" + "".join(
    f"    - {{name: file {n}, copy: {{content: 'number {n}', dest: /srv/{n}, mode: '0640'}}}}\n"
    for n in range(10)
)


def test_a_job_of_ten_tasks_takes_less_than_4_kb_once_the_host_has_the_code(
    boot_site: BootSite, tmp_path: Path
) -> None:
    site = boot_site()
    site.proxy.plan(lambda _: Line(bytes_per_s=UPLINK))
    folder = inventory(tmp_path / "inventory", [replace(site.machine, address=site.proxy.listen[0])])
    play = tmp_path / "play.yaml"
    play.write_text(PLAY)
    edgectl = Edgectl(tmp_path, folder, {})

    ended = [edgectl("run", play, "-o", "json") for _ in range(3)]

    assert [one.report()["hosts"][0]["status"] for one in ended] == ["changed", "ok", "ok"]
    first, second, third = site.proxy.uploads()
    assert first > 50_000
    assert max(second, third) < LIMIT_BYTES
