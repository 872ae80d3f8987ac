"""What a node should show, from the inventory and the hardware catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.catalog.hardware import Catalog, GpuModel
from edgectl.inventory.model import Host


@dataclass(frozen=True, slots=True)
class Expected:
    """What is wanted of one node; None where nobody said, and then it is not judged."""

    gpu_count: int | None = None
    gpu: GpuModel | None = None
    driver_version: str | None = None
    driver_branch: str | None = None


def expected_of(host: Host, catalog: Catalog) -> Expected:
    """Return what the inventory says. Raises `InputError` for hardware that the catalogue lacks."""
    if host.role == "dpu":
        return Expected(gpu_count=0)
    version, branch = _text(host, "driver_version"), _text(host, "driver_branch")
    if not host.hardware:
        return Expected(driver_version=version, driver_branch=branch)
    hardware = catalog.hardware(host.hardware)
    if hardware.gpu_count == 0:
        return Expected(gpu_count=0)
    return Expected(hardware.gpu_count, hardware.gpu, version, branch)


def _text(host: Host, name: str) -> str | None:
    """Return a variable; a package's revision behind the version (`580.105.08-1`) is not the driver's."""
    value = host.vars.get(name)
    return None if value is None else str(value).partition("-")[0]
