"""A rack of real Debian machines that stand for GPU nodes, and the inventory that promises what they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cli_run import Edgectl, Ended
from tests.hosts import fake_dpu, nspawn, nvidia_archive
from tests.hosts.machines import keypair
from tests.hosts.nspawn import Debian

_SHIPPED = Path(__file__).parents[2] / "inventory/baselines"


@dataclass(frozen=True)
class Kind:
    """What the nodes of a rack are: a name of the catalogue, its shipped baseline, and what their parts say."""

    hardware: str
    baseline: str
    gpus: int
    sku: str


SERVER = Kind("rtx-pro-6000-server-2", "rtx-pro-6000.yaml", 2, "rtx-pro-6000-server")
TRAY = Kind("gb200-nvl72-4", "gb200-nvl72.yaml", 4, "gb200")


@dataclass(frozen=True)
class Rack:
    """Nodes by name, and the command with their inventory."""

    machines: dict[str, Debian]
    edgectl: Edgectl
    folder: Path

    def provision(self, *words: str, timeout_s: float = 300) -> Ended:
        return self.edgectl("provision", *words, "-o", "json", timeout_s=timeout_s)

    def rebase(self, profile: str, package: str, **more: Any) -> None:
        """Let the baseline be one of another profile, whose own package is of the driver's transaction."""
        names = (
            "nvidia-open",
            "nvidia-kernel-open-dkms",
            "nvidia-driver-cuda",
            "nvidia-persistenced",
            package,
        )
        version = nvidia_archive.DRIVERS[-1]
        driver = {"version": version, "packages": dict.fromkeys(names, f"{version}-1")}
        self.change_baseline(profile=profile, driver=driver, **more)

    def change_baseline(self, **more: Any) -> None:
        """Replace sections of the baseline."""
        path = self.folder / "inventory/baselines/rack.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **more}))

    def on_all(self, command: str) -> list[str]:
        return [machine.run(command).strip() for machine in self.machines.values()]


def node_tree(folder: Path, kind: Kind = SERVER) -> Path:
    """Make what lies over a bare Debian so that it is a GPU node; several racks may share it."""
    key = nvidia_archive.archive(folder / "archive/stable", nvidia_archive.stack())
    tree = folder / "tree"
    nvidia_archive.machine_tree(tree, folder / "archive/stable", key, kind.gpus, kind.sku)
    (tree / fake_dpu.IMAGE_PATH[1:]).write_text(fake_dpu.IMAGE)
    return tree


@contextmanager
def debian_rack(
    folder: Path, subnet: str, nodes: int, tree: Path | None = None, dpus: int = 0, kind: Kind = SERVER
) -> Iterator[Rack]:
    """Boot a rack of nodes, and of DPUs, which are hosts of their own without GPUs."""
    tree = tree or node_tree(folder, kind)
    client = keypair(folder / "client_key")
    machines: dict[str, Debian] = {}
    with contextlib.ExitStack() as booted:
        for number in range(1, nodes + 1):
            name, address = f"fra1-r1-n{number:02}", f"{subnet}.{number}"
            machines[name] = nspawn.start(name, address, folder / name, client, tree)
            booted.callback(machines[name].stop)
        for number in range(1, dpus + 1):
            name, address = f"fra1-r1-n{number:02}-dpu0", f"{subnet}.{100 + number}"
            machines[name] = nspawn.start(name, address, folder / name, client)
            booted.callback(machines[name].stop)
        home = folder / "home"
        home.mkdir()
        yield Rack(machines, Edgectl(home, _inventory(folder, machines, kind), {}), folder)


def _inventory(folder: Path, machines: dict[str, Debian], kind: Kind) -> Path:
    place = folder / "inventory"
    place.mkdir()
    node, dpu = {"role": "gpu", "hardware": kind.hardware}, {"role": "dpu", "hardware": "bluefield-3"}
    hosts = {
        name: {"address": machine.address, **(dpu if name.endswith("-dpu0") else node)}
        for name, machine in machines.items()
    }
    one, addresses = next(iter(machines.values())), [machine.address for machine in machines.values()]
    pop = {"metro": "FRA", "region": "eu-central", "country": "DE", "tz": "Europe/Berlin", "state": "live"}
    fleet = {
        "defaults": {
            "ssh": {"user": "root", "port": one.port, "key": str(one.client_key)},
            "vars": {"dpu_count": 1, "imex_nodes": addresses} if kind is TRAY else {},
        },
        "pops": {"fra1": {**pop, "hosts": hosts}},
    }
    (place / "fleet.yaml").write_text(yaml.safe_dump(fleet))
    # The kernel's own settings are this machine's, and not for a container to change.
    baseline = yaml.safe_load((_SHIPPED / kind.baseline).read_text())
    baseline["kernel"]["settings"], baseline["origin"] = {}, nvidia_archive.ORIGIN
    baseline["acceptance"]["burn_in_s"] = 1
    baseline["dpu"] = {
        "packages": {"rshim": nvidia_archive.RSHIM, "mft": nvidia_archive.MFT},
        "image": {"url": f"file://{fake_dpu.IMAGE_PATH}", "sha256": fake_dpu.IMAGE_SHA256},
    }
    exporter = {"datacenter-gpu-manager-exporter": nvidia_archive.EXPORTER}
    baseline["telemetry"]["packages"] |= exporter
    baseline["telemetry"]["exporters"] = {"prometheus-node-exporter": 9100, "nvidia-dcgm-exporter": 9400}
    (place / "baselines").mkdir()
    (place / "baselines/rack.yaml").write_text(yaml.safe_dump(baseline))
    (place / "known_hosts").write_text("".join(f"{machine.pin()}\n" for machine in machines.values()))
    return place
