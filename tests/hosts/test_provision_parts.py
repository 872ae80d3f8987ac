"""What preflight refuses before anything changes, and the parts that hang on the baseline: settings, DPUs, fabric."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from edgectl import shipped
from tests.cli_run import Ended
from tests.hosts import fake_dpu, nspawn, nvidia_archive
from tests.hosts.debian_rack import Rack, debian_rack
from tests.hosts.nspawn import Debian, await_boot
from tests.remote.fake_rshim import GOOD, HALF

pytestmark = pytest.mark.timeout(600)
NODE = "fra1-r1-n01"
SETTINGS = "driver / settings of the GPUs"
WAITS = "dpu / no card waits for a power cycle to be in its mode"
PACKAGES = "dpkg-query -W | sha256sum"


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    if reason := nspawn.missing() or nvidia_archive.missing():
        pytest.skip(reason)
    with debian_rack(tmp_path_factory.mktemp("parts"), f"127.97.{os.getpid() % 250}", nodes=1) as made:
        yield made


@pytest.fixture
def node(rack: Rack) -> Debian:
    return rack.machines[NODE]


def run(rack: Rack, playbook: str, *words: str) -> Ended:
    return rack.edgectl("run", shipped.playbooks() / f"{playbook}.yaml", "-o", "json", *words, timeout_s=200)


@pytest.mark.parametrize(
    ("command", "back", "said"),
    [
        ("rm -r {pci}/0000:41:00.0", "show 0000:41:00.0 0x10de 0x2bb5 0x030200", "PCI shows 1 GPUs"),
        ("echo 0x2901 > {gpu}/device", "echo 0x2bb5 > {gpu}/device", "(2901, 2bb5)"),
        ("echo 8 > {gpu}/current_link_width", "echo 16 > {gpu}/current_link_width", "fewer lanes"),
        (
            "echo 0 > {pci}/0000:b0:00.0/vendor",
            "echo 0x15b3 > {pci}/0000:b0:00.0/vendor",
            "PCI shows 0 BlueFields",
        ),
        (
            "mkdir {pci}/0000:07:00.0; cd {pci}/0000:07:00.0; echo 0x10de > vendor; echo 0x068000 > class",
            "rm -r {pci}/0000:07:00.0",
            "connected by nvswitch",
        ),
    ],
)
def test_a_node_that_is_not_what_was_promised_is_refused_before_anything_changes(
    rack: Rack, node: Debian, command: str, back: str, said: str
) -> None:
    pci, before = "/sys/bus/pci/devices", node.run(PACKAGES)
    show = (
        f"show() {{ mkdir -p {pci}/$1/iommu_group; cd {pci}/$1; echo $2 > vendor; echo $3 > device; echo $4 > class;"
        " echo 16 > current_link_width; echo 16 > max_link_width; echo identity > iommu_group/type; }; "
    )
    gpu = f"{pci}/0000:40:00.0"
    node.run(command.format(pci=pci, gpu=gpu))
    try:
        ended = rack.provision("all", "-y")
    finally:
        node.run(show + back.format(pci=pci, gpu=gpu))
    assert (ended.code, said in ended.host(NODE)["reason"]) == (4, True), ended
    assert ended.host(NODE)["failed_task"].startswith("preflight / ")
    assert node.run(PACKAGES) == before


def test_settings_of_the_gpus_are_set_and_survive_the_boot_that_they_wait_for(
    rack: Rack, node: Debian
) -> None:
    rack.change_baseline(gpu={"power_limit_w": 450, "ecc": False})
    ended = rack.provision("all", "-y")
    assert ended.code == 0, ended
    again = rack.provision("all", "-y")
    assert (again.code, again.report()["summary"]["changed"]) == (0, 0), again
    assert (
        node.run("nvidia-smi --query-gpu=power.limit,ecc.mode.current").split("\n")[:2]
        == ["450.00, Disabled"] * 2
    )


def test_gpus_are_split_after_the_reboot_that_the_mode_waits_for_and_stay_so_over_the_next(
    rack: Rack, node: Debian
) -> None:
    rack.change_baseline(gpu={"mig": ["1g.24gb", "1g.24gb"]})
    parts, modes = "nvidia-smi -L | grep -c MIG", "nvidia-smi --query-gpu=mig.mode.current,mig.mode.pending"
    boots = int(node.run("wc -l < /var/log/boots"))
    ended = run(rack, "gpu-driver", "all")
    assert ended.code == 0, ended
    pending = [task["result"] for task in ended.host(NODE)["tasks"] if task["name"] == SETTINGS]
    assert pending[0]["reboot_due"], pending
    assert (node.run(parts).strip(), node.run(modes).split("\n")[:2]) == ("4", ["Enabled, Enabled"] * 2)
    assert int(node.run("wc -l < /var/log/boots")) == boots + 1

    node.run("systemctl reboot")
    await_other_boot(node, boots + 1)
    assert node.run(parts).strip() == "4"
    again = run(rack, "gpu-driver", "all").host(NODE)
    assert again["status"] == "ok", again
    rack.change_baseline(gpu=None)
    node.run("systemctl disable gpu-parts; rm /var/lib/fake-nvidia/mig-*")


def await_other_boot(node: Debian, boots: int) -> None:
    give_up = time.monotonic() + 30
    while node.try_run("wc -l < /var/log/boots").stdout.strip() in ("", str(boots)):
        assert time.monotonic() < give_up
        time.sleep(0.1)
    await_boot(node)


def test_no_setting_changes_under_a_live_service_unless_that_is_said(rack: Rack, node: Debian) -> None:
    rack.change_baseline(gpu={"power_limit_w": 400, "ecc": True})
    boot = "cat /proc/sys/kernel/random/boot_id"
    before = node.run(boot)
    node.run("systemd-run --quiet --unit=edgectl-chat sleep 1000")
    refused = run(rack, "gpu-driver", "all").host(NODE)
    assert refused["failed_task"] == "driver / no service lives on what would change, or it may be disrupted"
    assert "chat would lose its GPUs to GPU 0: power limit 400 W" in refused["reason"]
    assert node.run(boot) == before
    assert run(rack, "gpu-driver", "all", "-e", "disrupt=true").code == 0
    assert node.run("nvidia-smi --query-gpu=power.limit,ecc.mode.current").split("\n")[0] == "400.00, Enabled"


def test_an_iommu_that_translates_is_refused(rack: Rack, node: Debian) -> None:
    path = "/sys/bus/pci/devices/0000:40:00.0/iommu_group/type"
    node.run(f"echo DMA-FQ > {path}")
    try:
        ended = run(rack, "p2p", "all")
    finally:
        node.run(f"echo identity > {path}")
    assert ended.host(NODE)["failed_task"] == "p2p / the IOMMU lets addresses through"
    assert run(rack, "p2p", "all").code == 0


def test_a_node_with_nvswitches_has_a_fabric_manager_of_its_driver_and_joined_gpus(
    rack: Rack, node: Debian
) -> None:
    rack.rebase("nvswitch", "nvidia-fabricmanager", fabric={"packages": {"nvlsm": "2025.10.11-1"}})
    ended = rack.provision("all", "-y")
    assert ended.code == 0, ended
    assert rack.provision("all", "-y").report()["summary"]["changed"] == 0
    assert node.run("systemctl is-enabled nvidia-fabricmanager").strip() == "enabled"
    assert "nvlsm" in node.run("apt-mark showhold")

    node.run("echo 'In Progress' > /etc/fake-fabric")
    waiting = run(rack, "fabric", "all", "-e", "fabric_within_s=1")
    node.run("rm /etc/fake-fabric; systemctl disable --now nvidia-fabricmanager 2>/dev/null")
    assert waiting.host(NODE)["failed_task"] == "fabric / every GPU has joined"
    assert run(rack, "fabric", "all").host(NODE)["status"] == "changed"
    older = "nvidia-fabricmanager=580.95.05-1"
    node.run(f"apt-get install -y --allow-downgrades --allow-change-held-packages {older}")
    apart = run(rack, "fabric", "all").host(NODE)
    assert apart["failed_task"] == "fabric / fabric manager is exactly the driver's"


def test_a_tray_of_a_rack_has_its_channel_and_the_rack_s_list(rack: Rack, node: Debian) -> None:
    rack.rebase("rack", "nvidia-imex", fabric={"packages": {}})
    assert run(rack, "gpu-driver", "all").code == 0
    unknown = run(rack, "imex", "all")
    assert (unknown.code, "imex_nodes" in unknown.err) == (3, True), unknown
    nodes = ("-e", '{"imex_nodes": ["10.0.0.1", "10.0.0.2"]}')
    first, second = (run(rack, "imex", "all", *nodes).host(NODE) for _ in range(2))
    assert (first["status"], second["status"]) == ("changed", "ok"), first["reason"]
    assert node.run("cat /etc/nvidia-imex/nodes_config.cfg") == "10.0.0.1\n10.0.0.2\n"
    node.run("ls /dev/nvidia-caps-imex-channels/channel0; systemctl is-active nvidia-imex")


@pytest.fixture
def card(node: Debian) -> Debian:
    """Return a node whose card had no image, and plays what it is told to."""
    node.run(
        "systemctl stop rshim 2>/dev/null;"
        f" rm -rf /var/lib/edgectl/bluefield {fake_dpu.MEMORY}; mkdir -p {fake_dpu.MEMORY}"
    )
    return node


def says(node: Debian, lines: tuple[str, ...]) -> None:
    node.run(f"cat > {fake_dpu.MEMORY}/says <<'EOF'\n" + "\n".join(lines) + "\nEOF")


def test_a_dpu_is_flashed_once_and_judged_by_its_console(rack: Rack, card: Debian) -> None:
    says(card, GOOD)
    assert [run(rack, "dpu", "all").host(NODE)["status"] for _ in range(2)] == ["changed", "ok"]
    assert card.run(f"cat {fake_dpu.MEMORY}/pushes").split()[0] == fake_dpu.IMAGE_SHA256
    assert card.run(f"wc -l < {fake_dpu.MEMORY}/pushes").strip() == "1"


def test_a_dpu_that_is_a_nic_is_set_at_once_and_flashed_after_the_node_s_power_was_cut(
    rack: Rack, card: Debian
) -> None:
    card.run(f"systemctl stop rshim; cd {fake_dpu.MEMORY}; rm -f warm; echo nic > mode; echo nic > next")
    first, second = (run(rack, "dpu", "all").host(NODE) for _ in range(2))
    assert first["failed_task"] == second["failed_task"] == WAITS, first
    assert "will be in DPU mode from the next power cycle of this host on" in first["reason"]
    changed = {task["name"] for task in first["tasks"] if task["status"] == "changed"}
    assert "dpu / mode of every card from its next power cycle on" in changed
    assert "changed" not in {task["status"] for task in second["tasks"]}

    card.cut_power()
    await_boot(card)
    after = run(rack, "dpu", "all").host(NODE)
    assert after["status"] == "changed", after["reason"]
    assert card.run(f"cat {fake_dpu.MEMORY}/mode {fake_dpu.MEMORY}/pushes").split() == [
        "dpu",
        fake_dpu.IMAGE_SHA256,
    ]


def test_a_dpu_whose_firmware_part_failed_has_failed_and_is_not_pushed_to_again(
    rack: Rack, card: Debian
) -> None:
    says(card, HALF)
    first, second = (run(rack, "dpu", "all").host(NODE) for _ in range(2))
    assert "NIC firmware update failed" in first["reason"]
    assert "look at its console, then say `again: true`" in second["reason"]
    assert {host["failed_task"] for host in (first, second)} == {"dpu / each card runs the image"}
    assert card.run(f"wc -l < {fake_dpu.MEMORY}/pushes").strip() == "1"
