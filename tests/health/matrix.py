"""Faults x GPU models x driver branches: what the collector tells of each host, judged, and counted.

A host is NVIDIA's library of one branch with what that branch lacks really missing, with files and kernel log of
a node around it. So a fault passes through everything that it would pass through at a site but the hardware.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgectl.catalog.hardware import GpuModel
from edgectl.catalog.rules import load_rules
from edgectl.catalog.xid import load_xids
from edgectl.ops.health.earlier import Earlier
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.observed import Node, node_of
from edgectl.ops.health.verdict import Verdict, judge
from tests.health.batch import collect_all
from tests.health.faults import DPU, Fault
from tests.nvml.branches import BRANCHES
from tests.nvml.scenario import Scene
from tests.nvml.skus import HOPPER, SKUS, Sku
from tests.remote.host import program

GPUS = 2
LOOK_S = 900.0
_ROOMY = {
    "size_bytes": 500_000_000_000,
    "free_bytes": 400_000_000_000,
    "inodes": 1_000_000,
    "inodes_free": 900_000,
}
HEALTHY = Fault("nothing", [])


@dataclass(frozen=True)
class Cell:
    """One fault at one host; `mig` for a host whose GPUs are divided, as the inventory wants.

    `library` False for one without NVIDIA's library, where nvidia-smi is asked.
    """

    fault: Fault
    sku: str
    branch: str
    mig: bool = False
    library: bool = True

    @property
    def name(self) -> str:
        """The cell as a folder can be called."""
        marks = f"{'-mig' if self.mig else ''}{'' if self.library else '-smi'}"
        return f"{self.fault.name}-{self.sku}-{self.branch}{marks}".replace(" ", "_")

    @property
    def is_possible(self) -> bool:
        """Whether this GPU model can have the fault and this branch can tell it."""
        sku = SKUS[self.sku]
        has = {
            "": True,
            "nvlink": sku.links == 18,
            "fabric": sku.links > 0 and sku.architecture >= HOPPER,
            "mig": sku.mig > 0,
        }
        return has[self.fault.only] and int(self.branch) >= self.fault.since


@dataclass(frozen=True)
class Outcome:
    """What was told beside what should have been."""

    cell: Cell
    told: Sequence[str]
    collector: str

    @property
    def missed(self) -> list[str]:
        """What should have been told and was not."""
        return sorted((Counter(self.cell.fault.finds) - Counter(self.told)).elements())

    @property
    def false(self) -> list[str]:
        """What was told and should not have been."""
        return sorted((Counter(self.told) - Counter(self.cell.fault.finds)).elements())


@dataclass
class Tally:
    """One line of the table."""

    detected: int = 0
    missed: int = 0
    false: int = 0
    unseen: int = 0
    wrong: list[str] = field(default_factory=list)


def cells(faults: Iterable[Fault]) -> Iterator[Cell]:
    """Yield every fault at every GPU model and branch."""
    for fault in faults:
        for sku in SKUS:
            yield from (Cell(fault, sku, branch) for branch in BRANCHES)


def sample(faults: Sequence[Fault], each: int) -> Iterator[Cell]:
    """Yield some possible hosts for each fault, so that over all faults every model and branch has its turn."""
    for number, fault in enumerate(faults):
        possible = [cell for cell in cells([fault]) if cell.is_possible]
        step = max(1, len(possible) // each)
        turned = possible[number % len(possible) :] + possible[: number % len(possible)]
        yield from turned[::step][:each]


def run(wanted: Sequence[Cell], folder: Path) -> list[Outcome]:
    """Collect from the host of each cell and judge it."""
    answers = collect_all({cell.name: scene(cell, folder / cell.name) for cell in wanted})
    return [
        Outcome(cell, told(judged(cell, answers[cell.name])), answers[cell.name]["collector"])
        for cell in wanted
    ]


def scene(cell: Cell, folder: Path) -> Scene:
    """Return the host of a cell."""
    fault = cell.fault
    divided = _divided(SKUS[cell.sku]) if cell.mig else {}
    host = Scene(
        folder,
        sku=cell.sku,
        branch=cell.branch,
        gpus=GPUS,
        faults={**divided, **fault.state},
        log=fault.log,
        before=fault.before,
        machine=fault.machine,
        smi=fault.smi,
        library=cell.library,
        offset_s=fault.offset_s,
        deadline_s=fault.deadline_s,
        units=["vllm.service"] if fault.units else [],
    )
    if fault.units:
        program(folder / "bin", "systemctl", f"#!/bin/sh\ncat <<END\n{fault.units}END\n")
    return host


def _divided(sku: Sku) -> dict[str, str]:
    return {
        f"gpu{index}.{key}": value
        for index in range(GPUS)
        for key, value in (("mig_mode", "1,1"), ("mig_instances", str(sku.mig)))
    }


def judged(cell: Cell, answer: Mapping[str, Any]) -> Verdict:
    """Judge what a host said, as `health` does; the disk is this machine's own and is put in order first."""
    said = dict(answer)
    for disk in said["machine"]["disks"] or ():
        disk.update({**_ROOMY, **cell.fault.disk})
    node = node_of(said)
    return judge(node, expected(cell), load_rules(), load_xids(), _earlier(cell.fault, node))


def _earlier(fault: Fault, node: Node) -> dict[str, Earlier]:
    """Return what the GPUs said a look before: the same, but for what the fault says."""
    looks = [replace(gpu, **(fault.earlier if number == 0 else {})) for number, gpu in enumerate(node.gpus)]
    return {gpu.uuid or "": Earlier(gpu, LOOK_S) for gpu in looks} if fault.earlier else {}


def expected(cell: Cell) -> Expected:
    """Return what the inventory says of a host; every model on every branch, older than its first one too."""
    sku = SKUS[cell.sku]
    gpu = GpuModel(cell.sku, sku.name, sku.memory_mib, sku.pcie_gen, 16, sku.power_w, None, sku.links)
    wanted: dict[str, Any] = {
        "driver_branch": cell.branch,
        "mig_instances": sku.mig if cell.mig else 0,
        "dpu_mode": "dpu",
        "dpu_firmware": DPU.firmware,
        "ports_up": 2,
        "port_gbps": 200,
        "memory_modules": 8,
        "cpu_governor": "performance",
    }
    return Expected(gpu_count=GPUS, gpu=gpu, dpu_count=1, **{**wanted, **cell.fault.wanted})


def told(verdict: Verdict) -> list[str]:
    """Return the findings as the faults name them."""
    return [f"{found.severity} {found.id}" for found in verdict.findings]


def tallies(outcomes: Iterable[Outcome], unseen: Iterable[Cell] = ()) -> dict[str, Tally]:
    """Return the table's lines by fault."""
    lines: dict[str, Tally] = {}
    for outcome in outcomes:
        line = lines.setdefault(outcome.cell.fault.name, Tally())
        line.missed += bool(outcome.missed)
        line.detected += not outcome.missed
        line.false += bool(outcome.false)
        if outcome.missed or outcome.false:
            line.wrong.append(f"{outcome.cell.name}: missed {outcome.missed}, false {outcome.false}")
    for cell in unseen:
        lines.setdefault(cell.fault.name, Tally()).unseen += 1
    return lines


def table(lines: Mapping[str, Tally]) -> str:
    """Return the table as text; `not seen` are hosts whose driver has no such reading or whose GPU no such part."""
    width = max(map(len, lines))
    head = f"{'fault':<{width}}  detected  missed  false  not seen"
    rows = [
        f"{name:<{width}}  {line.detected:>8,}  {line.missed:>6,}  {line.false:>5,}  {line.unseen:>8,}"
        for name, line in lines.items()
    ]
    sums = [
        sum(getattr(line, name) for line in lines.values())
        for name in ("detected", "missed", "false", "unseen")
    ]
    total = f"{f'{len(lines)} faults':<{width}}  {sums[0]:>8,}  {sums[1]:>6,}  {sums[2]:>5,}  {sums[3]:>8,}"
    return "\n".join([head, *rows, total])
