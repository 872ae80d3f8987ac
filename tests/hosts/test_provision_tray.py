"""Two compute trays of a GB200 NVL72 on real Debian machines, by the shipped baseline: bare to accepted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hosts import nspawn, nvidia_archive
from tests.hosts.debian_rack import TRAY, debian_rack

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def test_trays_of_a_rack_have_one_list_their_channel_and_imex_of_the_driver_s_version(tmp_path: Path) -> None:
    if reason := nspawn.missing() or nvidia_archive.missing():
        pytest.skip(reason)
    with debian_rack(tmp_path, f"127.97.{os.getpid() % 250}", nodes=2, kind=TRAY) as rack:
        applied = rack.provision("all", "-y")
        again = rack.provision("all", "-y").report()["summary"]

        assert applied.code == 0, applied
        assert [host["data"]["accepted"] for host in applied.report()["hosts"]] == [True, True]
        assert (again["changed"], again["ok"]) == (0, 2), again
        lists = rack.on_all("cat /etc/nvidia-imex/nodes_config.cfg")
        assert lists == ["\n".join(machine.address for machine in rack.machines.values())] * 2
        assert rack.on_all("ls /dev/nvidia-caps-imex-channels") == ["channel0"] * 2
        assert rack.on_all("systemctl is-enabled nvidia-imex") == ["enabled"] * 2
        assert rack.on_all("dpkg-query -W -f='${Version}' nvidia-imex") == ["580.105.08-1"] * 2
        assert rack.on_all("apt-mark showhold | grep -c imex") == ["1"] * 2
        assert rack.on_all("grep -c iommu.passthrough=1 /proc/cmdline") == ["1"] * 2
