"""A disk for models on a real Debian: a loop device; what wipefs, blkid, mkfs and mount say and do is real."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from edgectl import shipped
from tests.cli_run import Ended
from tests.hosts import nspawn, nvidia_archive
from tests.hosts.debian_rack import Rack, debian_rack
from tests.hosts.disks import ID, SERIAL, loop_device, show_disk

pytestmark = pytest.mark.timeout(300)
NODE = "fra1-r1-n01"
TASK = "storage / disk for models"


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if reason := nspawn.missing() or nvidia_archive.missing():
        pytest.skip(reason)
    with loop_device(tmp_path_factory.mktemp("disk") / "image") as made:
        yield made


@pytest.fixture(scope="module")
def rack(device: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder = tmp_path_factory.mktemp("rack")
    with debian_rack(folder, f"127.99.{os.getpid() % 250}", nodes=1) as made:
        show_disk(made.machines[NODE], device)
        yield made


def storage(rack: Rack, *words: str) -> Ended:
    given = ("-e", f"model_disk={ID}", *words)
    return rack.edgectl("run", shipped.playbooks() / "storage.yaml", "all", "-o", "json", *given)


def test_a_disk_is_made_and_mounted_once_and_what_is_foreign_is_kept_until_its_serial_is_typed(
    rack: Rack, device: str
) -> None:
    node = rack.machines[NODE]
    checked = storage(rack, "--check")
    assert (checked.host(NODE)["status"], node.run(f"wipefs {device}")) == ("changed", ""), checked
    assert [storage(rack).host(NODE)["status"] for _ in range(2)] == ["changed", "ok"]
    assert node.run("findmnt -no SOURCE,FSTYPE /srv/models").split() == [device, "ext4"]
    assert node.run("grep -c /srv/models /etc/fstab").strip() == "1"
    node.run("echo model > /srv/models/kept; umount /srv/models")
    assert storage(rack).host(NODE)["status"] == "changed"
    assert node.run("cat /srv/models/kept").strip() == "model"

    node.run(f"umount /srv/models && wipefs -qa {device} && mkfs.ext4 -qFL theirs {device}")
    before = node.run(f"sha256sum {device}")
    refused, wrong = storage(rack), storage(rack, "-e", "model_disk_serial=S2")
    assert (refused.code, refused.host(NODE)["failed_task"]) == (4, TASK)
    assert "is ext4 'theirs', which is not ours" in refused.host(NODE)["reason"]
    assert "'S2' is not its serial number" in wrong.host(NODE)["reason"]
    assert node.run(f"sha256sum {device}") == before
    assert storage(rack, "-e", f"model_disk_serial={SERIAL}").host(NODE)["status"] == "changed"
    assert node.run("findmnt -no SOURCE,LABEL /srv/models").split() == [device, "models"]
