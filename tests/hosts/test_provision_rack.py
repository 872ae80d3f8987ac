"""A whole rack on real Debian machines, four nodes and their four DPUs: bare to accepted, and again nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgectl import shipped
from tests.hosts import fake_dpu, nspawn, nvidia_archive
from tests.hosts.debian_rack import debian_rack

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
CERTIFICATE = ["0001.json", "0001.txt"]
_PUSHES = f"cat {fake_dpu.MEMORY}/pushes"
_BOOTS = "wc -l < /var/log/boots"


def test_a_rack_goes_from_bare_to_accepted_in_one_command_with_two_reboots_and_then_stays(
    tmp_path: Path,
) -> None:
    if reason := nspawn.missing() or nvidia_archive.missing():
        pytest.skip(reason)
    with debian_rack(tmp_path, f"127.97.{os.getpid() % 250}", nodes=4, dpus=4) as rack:
        nodes = [name for name in rack.machines if not name.endswith("-dpu0")]
        dpus = [name for name in rack.machines if name.endswith("-dpu0")]
        packages = {name: rack.machines[name].run("dpkg-query -W | sha256sum") for name in dpus}
        applied = rack.provision("all", "-y", timeout_s=600)
        again = rack.provision("all", "-y", timeout_s=300)

        assert applied.code == 0, applied
        for name in nodes:
            assert applied.host(name)["data"]["accepted"], name
            assert rack.machines[name].run(_BOOTS).strip() == "3", name
            # Each card took the image once, and each node has one certificate.
            assert rack.machines[name].run(_PUSHES).split() == [fake_dpu.IMAGE_SHA256], name
            assert rack.machines[name].run("ls /var/lib/edgectl/certificates").split() == CERTIFICATE
        summary = again.report()["summary"]
        assert (again.code, summary["changed"], summary["ok"]) == (0, 0, 4), again
        assert {name: rack.machines[name].run("dpkg-query -W | sha256sum") for name in dpus} == packages
        assert rack.edgectl("provision", "verify").code == 0


def test_a_service_that_runs_and_is_not_enabled_is_told_by_a_reboot(tmp_path: Path) -> None:
    if reason := nspawn.missing() or nvidia_archive.missing():
        pytest.skip(reason)
    survival = shipped.playbooks() / "reboot-survival.yaml"
    with debian_rack(tmp_path, f"127.97.{os.getpid() % 250}", nodes=1) as rack:
        assert rack.provision("all", "-y").code == 0
        survived = rack.edgectl("run", survival, "all", "-o", "json").host("fra1-r1-n01")
        rack.machines["fra1-r1-n01"].run("systemctl disable nvidia-persistenced")
        lost = rack.edgectl("run", survival, "all", "-o", "json").host("fra1-r1-n01")

        assert (survived["status"], lost["status"]) == ("changed", "failed"), survived
        assert lost["failed_task"] == "survival / every service that ran runs"
        assert "nvidia-persistenced.service ran before the reboot and does not after it" in lost["reason"]
