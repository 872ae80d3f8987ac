"""`health remediate` on lab hosts: planned, acted on, proved, and given back only when well."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgectl.lab.lifecycle import LabStatus, down, fault
from tests.cli_run import Edgectl, Ended
from tests.hosts.lab_box import Box, address_base, bring_up
from tests.hosts.test_lab_packages import await_box_after_reboot

RETURN = Path(__file__).parents[2] / "playbooks" / "return.yaml"
_UNIT = """\
[Unit]
Description=a model
[Service]
ExecStart=/bin/sleep 10000
[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Site:
    lab: LabStatus
    edgectl: Edgectl

    def name(self, number: int) -> str:
        return self.lab.hosts[number].name

    def on(self, number: int, command: str) -> str:
        box = Box(self.lab.directory, self.lab.hosts[number].address)
        try:
            return box.run(command).out.strip()
        finally:
            box.close()

    def remediate(self, *words: str) -> Ended:
        return self.edgectl("health", "remediate", *words, "-o", "json", timeout_s=200)

    def sicken(self, number: int, kind: str, value: str = "0") -> None:
        fault(self.lab.directory, self.name(number), kind, value)

    def serve(self, number: int) -> None:
        unit = _UNIT.replace("'", "")
        self.on(number, f"cat > /etc/systemd/system/edgectl-chat.service <<'E'\n{unit}E\n")
        self.on(number, "systemctl daemon-reload && systemctl enable --now edgectl-chat.service")

    def serving(self, number: int) -> str:
        return self.on(number, "systemctl is-active edgectl-chat.service")

    def boot(self, number: int) -> str:
        return self.on(number, "cat /proc/sys/kernel/random/boot_id")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three hosts with drivers loaded, all healthy."""
    folder = tmp_path_factory.mktemp("remedies")
    lab = bring_up(folder / "lab", f"{address_base()}.101", 3)
    (folder / "home").mkdir()
    for host in lab.hosts:
        box = Box(lab.directory, host.address)
        box.ok("apt-get -y install nvidia-open nvidia-persistenced")
        box.run("reboot")
        box.close()
        await_box_after_reboot(lab, host.address).close()
    yield Site(lab, Edgectl(folder / "home", lab.inventory, {}))
    down(lab.directory)


def test_without_yes_it_only_says_what_it_would_do(site: Site) -> None:
    site.sicken(0, "gpu-ecc")
    boot = site.boot(0)
    told = site.edgectl("health", "remediate", site.name(0))
    site.sicken(0, "clear")

    assert told.code == 0, told.err
    assert "Plan   1 of 1 hosts with findings are acted on" in told.out
    assert "reset-gpu" in told.out
    assert told.out.splitlines()[-1] == "dry run: nothing was changed; to carry it out add --yes"
    assert site.boot(0) == boot


def test_a_gpu_that_asks_for_a_reset_is_drained_reset_proved_and_given_back(site: Site) -> None:
    site.serve(0)
    site.sicken(0, "gpu-ecc")
    done = site.remediate(site.name(0), "--yes")

    assert done.code == 0, done.err
    host = done.host(site.name(0))
    assert (host["status"], host["data"]["remedy"]["rung"]) == ("changed", "reset-gpu")
    names = [task["name"] for task in host["tasks"] if task["status"] == "changed"]
    assert names == ["drain / stop them", "remedy / reset the GPU"]
    assert site.serving(0) == "active"
    assert site.on(0, "systemctl is-enabled edgectl-chat.service") == "enabled"


def test_what_helped_is_not_done_again_though_its_lines_stay_in_the_kernel_log(site: Site) -> None:
    looked = site.edgectl("health", site.name(0), "-o", "json")
    told = site.edgectl("health", "remediate", site.name(0), "--yes")

    assert "xid-48" in [found["id"] for found in looked.host(site.name(0))["data"]["findings"]]
    assert (told.code, told.out) == (0, "Plan   nothing to do\n")


def test_a_gpu_that_stays_lost_climbs_the_ladder_and_its_node_stays_out_of_service(site: Site) -> None:
    """Two reboots do not help; then it takes its power, which somebody must have said how to cut."""
    site.serve(1)
    site.sicken(1, "gpu-lost")
    boots = [site.boot(1)]
    for _ in range(2):
        done = site.remediate(site.name(1), "--yes")
        assert (done.code, done.host(site.name(1))["data"]["remedy"]["rung"]) == (4, "reboot")
        boots.append(site.boot(1))
    assert len(set(boots)) == 3
    assert site.serving(1) == "inactive"

    by_hand = site.edgectl("health", "remediate", site.name(1), "--yes")
    assert by_hand.code == 0
    assert "power-cycle" in by_hand.out
    assert "--power-hook COMMAND" in by_hand.out
    assert site.boot(1) == boots[-1]


def test_a_hook_cuts_the_power_of_one_node_and_the_node_is_proved_after_it(
    site: Site, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    hook = tmp_path / "hook.py"
    hook.write_text(
        "import sys; from pathlib import Path; from edgectl.lab.lifecycle import fault\n"
        f"Path({str(said)!r}).write_text(' '.join(sys.argv[1:]))\n"
        f"lab = Path({str(site.lab.directory)!r})\n"
        "fault(lab, sys.argv[1], 'clear'); fault(lab, sys.argv[1], 'power-cut')\n"
    )
    before = site.boot(1)
    done = site.remediate(site.name(1), "--yes", "--power-hook", f"python3 {hook}")

    assert done.code == 0, done.out + done.err
    assert said.read_text() == f"{site.name(1)} {site.lab.hosts[1].address}"
    assert done.host(site.name(1))["data"]["remedy"] == {
        "rung": "power-cycle",
        "after": "reboot",
        "gpus": [],
        "findings": ["gpu-lost"],
    }
    assert site.boot(1) != before
    # It was drained two remedies ago, when it did not help.
    assert site.serving(1) == "active"
    assert site.on(1, "systemctl is-enabled edgectl-chat.service") == "enabled"
    assert site.on(1, "test -e /var/lib/edgectl/drained || echo gone") == "gone"


def test_a_node_that_a_person_mended_is_given_back_by_the_playbook_alone(site: Site) -> None:
    site.serve(2)
    site.on(2, "systemctl disable --now edgectl-chat.service; mkdir -p /var/lib/edgectl")
    site.on(2, "echo edgectl-chat.service > /var/lib/edgectl/drained")
    done = site.edgectl("run", RETURN, site.name(2))

    assert done.code == 0, done.err
    assert site.serving(2) == "active"
    assert site.on(2, "test -e /var/lib/edgectl/drained || echo gone") == "gone"


def test_what_is_healthy_is_left_alone(site: Site) -> None:
    boot = site.boot(2)
    done = site.remediate(site.name(2), "--yes")

    assert (done.code, json.loads(done.out)["hosts"]) == (0, [])
    assert site.boot(2) == boot


def test_a_host_that_does_not_answer_is_named_and_not_acted_on(site: Site) -> None:
    site.sicken(2, "unreachable", "refuse")
    told = site.edgectl("health", "remediate", site.name(2), "--yes")
    site.sicken(2, "clear")

    assert f"not answering 1   {site.name(2)}" in told.out


def test_a_host_that_does_not_answer_gives_no_bundle_and_says_so_with_one_exit_code(
    site: Site, tmp_path: Path
) -> None:
    site.sicken(2, "unreachable", "refuse")
    told = site.edgectl("health", "bundle", site.name(2), "--to", tmp_path)
    site.sicken(2, "clear")

    assert (told.code, told.out.rstrip().endswith("exit 5")) == (5, True), told.out
    assert list(tmp_path.glob("*.tar.gz")) == []


def test_a_bundle_has_the_serial_of_a_card_that_is_gone_and_says_what_the_host_could_not_give(
    site: Site, tmp_path: Path
) -> None:
    site.sicken(0, "gpu-lost", "1")
    serial = json.loads(site.on(0, "cat /var/lib/edgectl-lab/gpus.json"))[1]["serial"]
    made = site.edgectl("health", "bundle", site.name(0), "--to", tmp_path, "-o", "json")
    site.sicken(0, "clear")

    assert made.code == 0, made.err
    said = made.host(site.name(0))["data"]["bundle"]
    archive = tmp_path / said["file"]
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == said["sha256"]
    assert archive.stat().st_mode & 0o777 == 0o600
    texts = {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            taken = tar.extractfile(member)
            texts[member.name.partition("/")[2]] = taken.read().decode() if taken else ""
    assert serial in texts["summary.txt"]
    past = json.loads(texts["history.json"])
    assert [card["serial"] == serial for card in past["cards"]] == [False, True]
    assert all(card["looks"] for card in past["cards"])
    assert "gpu-lost" in [change["finding"] for change in past["changes"]]
    assert "fallen off the bus" in texts["kernel.log"]
    assert "<nvidia_smi_log>" in texts["nvidia-smi.xml"]
    assert "lspci.txt" in said["missing"]


def test_a_bundle_is_of_one_host(site: Site) -> None:
    refused = site.edgectl("health", "bundle", "all")

    assert (refused.code, refused.err.splitlines()[0]) == (
        2,
        "error: 'all' is no host of the inventory; a bundle is of one host",
    )
