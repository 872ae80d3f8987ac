"""What each host is promised to be, by its hardware: as variables for playbooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgectl import shipped
from edgectl.catalog.baselines import Baseline, load_baselines
from edgectl.catalog.hardware import Catalog, load_catalog
from edgectl.errors import InputError
from edgectl.inventory.fold import folded
from edgectl.inventory.model import Fleet, Host


@dataclass(frozen=True, slots=True)
class Promises:
    """The hardware that edgectl knows, and the baseline of each kind."""

    catalog: Catalog
    baselines: Mapping[str, Baseline]

    def variables(self, fleet: Fleet) -> dict[str, Mapping[str, Any]]:
        """Return what is expected of each host's hardware, and its `baseline`, where there is either.

        That is `expected_gpu_count`, `expected_gpu_name`, `expected_gpu_device`, `expected_dpu_count` and
        `expected_memory_bandwidth_gbs`.
        """
        known = {kind: self._of(kind) for kind in {host.hardware for host in fleet.kinds.values()}}
        return {name: known[host.hardware] for name, host in fleet.kinds.items()}

    def _of(self, kind: str) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        if kind in self.catalog.by_name and (hardware := self.catalog.hardware(kind)).gpu is not None:
            found |= {
                "expected_gpu_count": hardware.gpu_count,
                "expected_gpu_name": hardware.gpu.nvml_name,
                "expected_gpu_device": hardware.gpu.pci_device,
                "expected_dpu_count": hardware.dpu_count,
                "expected_memory_bandwidth_gbs": hardware.gpu.memory_bandwidth_floor_gbs,
            }
        if kind in self.baselines:
            found["baseline"] = dict(self.baselines[kind].variables)
        return found

    def refuse_unpromised(self, hosts: Iterable[Host]) -> None:
        """Raise `InputError` where nobody has said what some host is to be."""
        nameless = [host.name for host in hosts if not host.hardware]
        if nameless:
            said = f"the inventory names no hardware for {folded(nameless)}: set `hardware`"
            raise InputError(said, hint=f"edgectl inventory show {nameless[0]}")
        without = [host for host in hosts if host.hardware not in self.baselines]
        if without:
            kinds = ", ".join(sorted({host.hardware for host in without}))
            names = folded([host.name for host in without])
            said = f"no baseline says what {kinds} is to run ({names}): write one into the inventory's baselines/"
            raise InputError(said, hint=f"start from {shipped.inventory() / 'baselines'}")


def load_promises(inventory: Path) -> Promises:
    """Read the catalogue, and the baselines of an inventory before those that come with edgectl."""
    catalog = load_catalog()
    own = (inventory if inventory.is_dir() else inventory.parent) / "baselines"
    return Promises(catalog, load_baselines([own, shipped.inventory() / "baselines"], catalog.names))
