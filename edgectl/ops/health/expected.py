"""What a node should show, from the inventory and the hardware catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgectl.catalog.hardware import Catalog, GpuModel
from edgectl.errors import InputError
from edgectl.inventory.model import Host


@dataclass(frozen=True, slots=True)
class Expected:
    """What is wanted of one node; None where nobody said, and then it is not judged.

    `mig_instances` is per GPU, 0 with MIG off. `dpu_mode` is `dpu` or `nic`.
    """

    gpu_count: int | None = None
    gpu: GpuModel | None = None
    driver_version: str | None = None
    driver_branch: str | None = None
    gpu_vbios: str | None = None
    gpu_power_limit_w: float | None = None
    mig_instances: int | None = None
    dpu_count: int | None = None
    dpu_mode: str | None = None
    dpu_firmware: str | None = None
    dpu_software: str | None = None
    ports_up: int | None = None
    port_gbps: float | None = None
    rdma: bool | None = None
    memory_modules: int | None = None
    cpu_governor: str | None = None


def expected_of(host: Host, catalog: Catalog) -> Expected:
    """Return what the inventory says. Raises `InputError` for hardware that the catalogue lacks."""
    if host.role == "dpu":
        return Expected(gpu_count=0)
    hardware = catalog.hardware(host.hardware) if host.hardware else None
    if hardware is not None and hardware.gpu_count == 0:
        return Expected(gpu_count=0, dpu_count=hardware.dpu_count)
    return Expected(
        gpu_count=hardware.gpu_count if hardware else None,
        gpu=hardware.gpu if hardware else None,
        # A package's revision behind the version (`580.105.08-1`) is not the driver's.
        driver_version=_release(_text(host, "driver_version")),
        driver_branch=_release(_text(host, "driver_branch")),
        gpu_vbios=_text(host, "gpu_vbios"),
        gpu_power_limit_w=_number(host, "gpu_power_limit_w"),
        mig_instances=_count(host, "mig_instances"),
        dpu_count=hardware.dpu_count if hardware else None,
        dpu_mode=_text(host, "dpu_mode"),
        dpu_firmware=_text(host, "dpu_firmware"),
        dpu_software=_text(host, "dpu_software"),
        ports_up=_count(host, "ports_up"),
        port_gbps=_number(host, "port_gbps"),
        rdma=_switch(host, "rdma"),
        memory_modules=_count(host, "memory_modules"),
        cpu_governor=_text(host, "cpu_governor"),
    )


def _text(host: Host, name: str) -> str | None:
    value = host.vars.get(name)
    return None if value is None else str(value)


def _release(version: str | None) -> str | None:
    return version and version.partition("-")[0]


def _number(host: Host, name: str) -> float | None:
    value = host.vars.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise _refusal(host, name, value, "a number")


def _count(host: Host, name: str) -> int | None:
    value = host.vars.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise _refusal(host, name, value, "a whole number")


def _switch(host: Host, name: str) -> bool | None:
    value = host.vars.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise _refusal(host, name, value, "true or false")


def _refusal(host: Host, name: str, value: Any, wanted: str) -> InputError:
    return InputError(
        f"variable '{name}' of {host.name} is {value!r}; {wanted} is wanted",
        hint=f"edgectl inventory show {host.name}",
    )
