"""What a node of a given hardware name has in it: the truth that acceptance and health compare hosts with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from edgectl.catalog.quantities import complaint
from edgectl.complaints import did_you_mean, validate
from edgectl.errors import InputError, Problem
from edgectl.yaml_source import Document, load


@dataclass(frozen=True, slots=True)
class GpuModel:
    """One GPU product; a field that is None is not known surely, and is not judged.

    `pci_device` is its PCI device number, `memory_mib` NVML's total, `power_limit_w` the default limit per GPU,
    `min_driver` the oldest driver that will do, `nvlinks` how many links to other GPUs it has,
    `memory_bandwidth_floor_gbs` what its memory does at least, in 10^9 bytes per second.
    """

    name: str
    nvml_name: str
    memory_mib: int
    pcie_gen: int | None
    pcie_width: int | None
    power_limit_w: int
    min_driver: str | None
    nvlinks: int | None = None
    pci_device: str | None = None
    memory_bandwidth_floor_gbs: float | None = None


@dataclass(frozen=True, slots=True)
class Hardware:
    """One kind of host by the name that inventories use; a DPU's own profile has no GPU."""

    name: str
    gpu: GpuModel | None
    gpu_count: int
    dpu: str | None
    dpu_count: int


@dataclass(frozen=True, slots=True)
class Catalog:
    """All hardware that edgectl knows, by name."""

    by_name: Mapping[str, Hardware]

    @property
    def names(self) -> frozenset[str]:
        """The names that an inventory may use."""
        return frozenset(self.by_name)

    def hardware(self, name: str) -> Hardware:
        """Return the profile called `name`, or raise `InputError` with the nearest name there is."""
        found = self.by_name.get(name)
        if found is None:
            raise InputError(f"unknown hardware '{name}'{did_you_mean(name, self.by_name)}")
        return found


_QUANTITIES = {
    "memory_mib": "memory_mib",
    "pcie_gen": "pcie_generation",
    "pcie_width": "pcie_lanes",
    "power_limit_w": "power_w",
    "nvlinks": "nvlinks",
}


class _Written(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Gpu(_Written):
    nvml_name: str
    memory_mib: int = Field(gt=0)
    pcie_gen: int | None = None
    pcie_width: int | None = None
    power_limit_w: int = Field(gt=0)
    min_driver: str | None = None
    nvlinks: int | None = None
    pci_device: str | None = Field(default=None, pattern="^[0-9a-f]{4}$")
    memory_bandwidth_floor_gbs: float | None = Field(default=None, gt=50, lt=50_000, strict=False)


class _Hardware(_Written):
    gpu: str | None = None
    gpu_count: int = 0
    dpu: str | None = None
    dpu_count: int = 0


class _File(_Written):
    gpus: dict[str, _Gpu]
    hardware: dict[str, _Hardware]


def load_catalog(path: Path | None = None) -> Catalog:
    """Return the catalog of `path`, by default the one that comes with edgectl."""
    document = load(path or Path(str(resources.files("edgectl.catalog").joinpath("hardware.yaml"))))
    file = validate(_File, document)
    problems = [problem for name, gpu in file.gpus.items() for problem in _problems(name, gpu, document)]
    if problems:
        raise InputError(problems)
    gpus = {name: GpuModel(name=name, **gpu.model_dump()) for name, gpu in file.gpus.items()}
    return Catalog({name: _profile(name, spec, gpus, document) for name, spec in file.hardware.items()})


def _problems(name: str, gpu: _Gpu, document: Document) -> Iterator[Problem]:
    """Yield what no GPU can be: a figure in the wrong unit, mostly."""
    for field, quantity in _QUANTITIES.items():
        value = getattr(gpu, field)
        said = None if value is None else complaint(quantity, value)
        if said:
            yield Problem(f"'{field}' of '{name}': {said}", document.place(("gpus", name, field)))


def _profile(name: str, spec: _Hardware, gpus: Mapping[str, GpuModel], document: Document) -> Hardware:
    if spec.gpu is not None and spec.gpu not in gpus:
        place = document.place(("hardware", name, "gpu"))
        raise InputError([Problem(f"unknown GPU '{spec.gpu}'{did_you_mean(spec.gpu, gpus)}", place)])
    gpu = gpus[spec.gpu] if spec.gpu else None
    return Hardware(name, gpu, spec.gpu_count, spec.dpu, spec.dpu_count)
