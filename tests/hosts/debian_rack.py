"""A rack of real Debian machines that stand for GPU nodes, and the inventory that promises what they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.cli_run import Edgectl, Ended
from tests.hosts import fake_dpu, nspawn, nvidia_archive
from tests.hosts.machines import keypair
from tests.hosts.nspawn import Debian

GPUS = 2
_SHIPPED = Path(__file__).parents[2] / "inventory/baselines"
HARDWARE = f"rtx-pro-6000-server-{GPUS}"


@dataclass(frozen=True)
class Rack:
    """Nodes by name, and the command with their inventory."""

    machines: dict[str, Debian]
    edgectl: Edgectl
    folder: Path

    def provision(self, *words: str, timeout_s: float = 300) -> Ended:
        return self.edgectl("provision", *words, "-o", "json", timeout_s=timeout_s)

    def on_all(self, command: str) -> list[str]:
        return [machine.run(command).strip() for machine in self.machines.values()]


def node_tree(folder: Path) -> Path:
    """Make what lies over a bare Debian so that it is a GPU node; several racks may share it."""
    key = nvidia_archive.archive(folder / "archive/stable", nvidia_archive.stack())
    tree = folder / "tree"
    nvidia_archive.machine_tree(tree, folder / "archive/stable", key, GPUS)
    (tree / fake_dpu.IMAGE_PATH[1:]).write_text(fake_dpu.IMAGE)
    return tree


@contextmanager
def debian_rack(
    folder: Path, subnet: str, nodes: int, tree: Path | None = None, dpus: int = 0
) -> Iterator[Rack]:
    """Boot a rack of nodes, and of DPUs, which are hosts of their own without GPUs."""
    tree = tree or node_tree(folder)
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
        yield Rack(machines, Edgectl(home, _inventory(folder, machines), {}), folder)


def _inventory(folder: Path, machines: dict[str, Debian]) -> Path:
    place = folder / "inventory"
    place.mkdir()
    node, dpu = {"role": "gpu", "hardware": HARDWARE}, {"role": "dpu", "hardware": "bluefield-3"}
    hosts = {
        name: {"address": machine.address, **(dpu if name.endswith("-dpu0") else node)}
        for name, machine in machines.items()
    }
    one = next(iter(machines.values()))
    pop = {"metro": "FRA", "region": "eu-central", "country": "DE", "tz": "Europe/Berlin", "state": "live"}
    fleet = {
        "defaults": {"ssh": {"user": "root", "port": one.port, "key": str(one.client_key)}},
        "pops": {"fra1": {**pop, "hosts": hosts}},
    }
    (place / "fleet.yaml").write_text(yaml.safe_dump(fleet))
    # The kernel's own settings are this machine's, and not for a container to change.
    baseline = yaml.safe_load((_SHIPPED / "rtx-pro-6000.yaml").read_text())
    baseline["kernel"]["settings"], baseline["origin"] = {}, nvidia_archive.ORIGIN
    baseline["acceptance"]["burn_in_s"] = 1
    baseline["dpu"] = {
        "packages": {"rshim": nvidia_archive.RSHIM, "mft": nvidia_archive.MFT},
        "image": {"url": f"file://{fake_dpu.IMAGE_PATH}", "sha256": fake_dpu.IMAGE_SHA256},
    }
    (place / "baselines").mkdir()
    (place / "baselines/rack.yaml").write_text(yaml.safe_dump(baseline))
    (place / "known_hosts").write_text("".join(f"{machine.pin()}\n" for machine in machines.values()))
    return place
