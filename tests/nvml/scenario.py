"""A sick or a healthy host to collect from: NVIDIA's library, nvidia-smi, `/sys`, `/proc` and the kernel log.

    scene = Scene(tmp_path, sku="rtx-pro-6000-server", branch="580", gpus=2,
                  faults={"gpu0.field.230": "2", "gpu1.all": "ret:15"},
                  log=["NVRM: Xid (PCI:0000:51:00): 79, GPU has fallen off the bus."])
    found = scene.collect()          # what the module `health_facts` returns
    node = scene.node()              # the same, as the rules get it; many at once: collect_all(scenes)

`faults` are lines of the library's state file; None takes one away, which makes it unsupported. They are

    init=18                        nvmlInit returns a code; also hang, abort, segfault
    driver=580.105.08              what the library says the driver is
    gpu0.KEY=VALUE                 a reading of `skus.healthy`
    gpu0.field.230=2               a field value: a number, or double: uint: ulong: ull: sll: int: ushort: before it;
                                   field.206.3 is that of link 3
    gpu0.FUNCTION=FAULT            one function for one GPU; gpu0.all for all of them
    fn.FUNCTION=FAULT              one function for all GPUs
    fn.FUNCTION.delay_ms=200       it takes its time
FAULT is ret:CODE, delay:MS, hang, abort, segfault, several joined by commas. The file is read again when it changes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.ops.health.observed import Node, node_of
from tests.nvml.branches import BRANCHES, COMPILER, NO_COMPILER, build
from tests.nvml.skus import SKUS, healthy
from tests.nvml.smi import document
from tests.nvml.tree import BlueField, Machine, tree
from tests.remote.host import program

__all__ = [
    "BRANCHES",
    "COMPILER",
    "NO_COMPILER",
    "SKUS",
    "BlueField",
    "Machine",
    "Scene",
    "build",
    "collect_all",
    "state",
    "tree",
]

ROOT = Path(__file__).parents[2]
# One host after the other, each with an environment of its own; the library is loaded in a fresh process each time.
_PROGRAM = """
import json, os, sys
import pynvml
from edgectl.remote.health.collect import collect
for line in sys.stdin:
    environment, given = json.loads(line)
    os.environ.update(environment)
    print(json.dumps(collect(**given)), flush=True)
"""
_JOURNAL = """#!/bin/sh
boot=0
for word in "$@"; do case "$word" in --boot=-1) boot=-1 ;; esac; done
if [ -f {folder}/boot$boot ]; then exec cat {folder}/boot$boot; fi
echo "Data from the specified boot ($boot) is not available" >&2; exit 1
"""
_SMI = """#!/bin/sh
case "$*" in *-x*) cat {folder}/smi.xml ;; *) echo "the stand-in plays only -q -x" >&2; exit 2 ;; esac
"""
_CHRONYC = """#!/bin/sh
cat <<END
Reference ID    : C0000201 (192.0.2.1)
Stratum         : 3
System time     : {offset_s:.9f} seconds {direction} of NTP time
Leap status     : {leap}
END
"""


def state(
    sku: str, gpus: int = 1, branch: str = "580", faults: Mapping[str, str | None] | None = None
) -> str:
    """Return a state file of healthy idle GPUs, with the faults put in."""
    return "".join(f"{key}={value}\n" for key, value in lines(sku, gpus, branch, faults).items())


def lines(sku: str, gpus: int, branch: str, faults: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Return the state as keys and values."""
    version = BRANCHES[branch].version
    found: dict[str, str | None] = {"driver": version, "nvml": f"13.{version}"}
    for index in range(gpus):
        found |= {f"gpu{index}.{key}": value for key, value in healthy(SKUS[sku], index, branch).items()}
    found |= faults or {}
    return {key: value for key, value in found.items() if value is not None}


@dataclass
class Scene:
    """A host to collect from, below `folder`. `log` and `before` are lines of this boot's kernel log and the last's.

    `smi` is what nvidia-smi does instead of printing this state's XML: a shell script's text, or "" for no
    such program; `library` False for a host without libnvidia-ml; `offset_s` how far the clock is ahead.
    """

    folder: Path
    sku: str = "rtx-pro-6000-server"
    branch: str = "580"
    gpus: int = 1
    faults: Mapping[str, str | None] = field(default_factory=dict)
    log: Sequence[str] = ()
    before: Sequence[str] | None = None
    machine: Machine = field(default_factory=Machine)
    smi: str | None = None
    library: bool = True
    lacking: tuple[str, ...] = ()
    offset_s: float = 0.0
    deadline_s: float = 5.0
    overall_s: float = 45.0
    units: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Write the host."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tree(self.root, self.sku, self.gpus, self.branch, self.machine)
        self.play(self.faults)
        self._write_programs()

    @property
    def root(self) -> Path:
        """Where the host's `/` is."""
        return self.folder / "root"

    @property
    def lock(self) -> Path:
        """The folder of the collector's lock."""
        return self.folder / "run"

    def play(self, faults: Mapping[str, str | None]) -> None:
        """Go on with other faults, also while a collector runs."""
        known = lines(self.sku, self.gpus, self.branch, faults)
        new = self.folder / "state.new"
        new.write_text("".join(f"{key}={value}\n" for key, value in known.items()), encoding="utf-8")
        new.replace(self.folder / "state.txt")
        (self.folder / "smi.xml").write_text(document(known, self.branch, self.gpus), encoding="utf-8")

    def _write_programs(self) -> None:
        programs = self.folder / "bin"
        for boot, said in ((0, self.log), (-1, self.before)):
            if said is not None:
                text = "".join(f"{_stamped(line, boot)}\n" for line in ["Linux version 6.8.0", *said])
                (self.folder / f"boot{boot}").write_text(text, encoding="utf-8")
        program(programs, "journalctl", _JOURNAL.format(folder=self.folder))
        direction, leap = ("fast", "Normal") if self.offset_s >= 0 else ("slow", "Normal")
        program(
            programs, "chronyc", _CHRONYC.format(offset_s=abs(self.offset_s), direction=direction, leap=leap)
        )
        program(programs, "timedatectl", "#!/bin/sh\nexit 1\n")
        program(programs, "systemctl", "#!/bin/sh\nexit 1\n")
        smi = _SMI.format(folder=self.folder) if self.smi is None else self.smi
        if smi:
            program(programs, "nvidia-smi", smi)

    def environment(self) -> dict[str, str]:
        """Return the environment of a login there."""
        libraries = {"LD_LIBRARY_PATH": str(build(self.branch, self.lacking))} if self.library else {}
        return {
            "HOME": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "EDGECTL_MOCK_NVML": str(self.folder / "state.txt"),
            **libraries,
        }

    def start(self) -> subprocess.Popen[str]:
        """Begin to collect, in a process of its own as at a host."""
        process = _started(self)
        assert process.stdin is not None
        process.stdin.write(self.job())
        process.stdin.close()
        process.stdin = None
        return process

    def collect(self) -> dict[str, Any]:
        """Return what the host says about its health."""
        return answer(self.start())

    def node(self) -> Node:
        """Return the same as the rules get it."""
        return node_of(self.collect())

    def job(self) -> str:
        """Return the environment and the arguments of the collector, as a line."""
        given = {
            "deadline_s": self.deadline_s,
            "overall_s": self.overall_s,
            "units": list(self.units),
            "folders": [str(self.lock)],
            "root": str(self.root),
        }
        return json.dumps([self.environment(), given]) + "\n"


def collect_all(scenes: Sequence[Scene]) -> list[dict[str, Any]]:
    """Return what many hosts say, in their order; those of one branch share a process, which takes 0.1 s each."""
    groups: dict[str, list[int]] = {}
    for number, scene in enumerate(scenes):
        groups.setdefault(scene.environment().get("LD_LIBRARY_PATH", ""), []).append(number)
    found: dict[int, dict[str, Any]] = {}
    for numbers in groups.values():
        jobs = "".join(scenes[number].job() for number in numbers)
        told = _answers(_started(scenes[numbers[0]]), 60 + 10 * len(numbers), jobs)
        found |= zip(numbers, told, strict=True)
    return [found[number] for number in range(len(scenes))]


def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a collector that was started."""
    (found,) = _answers(process, 120)
    return found


def _started(scene: Scene) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        env=scene.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _answers(
    process: subprocess.Popen[str], timeout_s: float, jobs: str | None = None
) -> list[dict[str, Any]]:
    out, err = process.communicate(jobs, timeout=timeout_s)
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()]


def _stamped(line: str, boot: int) -> str:
    day = 22 + boot
    return line if line[:2] == "20" else f"2026-11-{day}T09:00:00+0000 n kernel: {line}"
