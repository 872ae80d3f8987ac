"""What a large inventory costs: 4,400 PoPs, 20,000 hosts, by rack templates and written out; and a bare start.

`pytest -m perf -s tests/perf/test_inventory.py`. Seconds are of CPU, user and system, of whole processes as a
person starts them; each is the least of EDGECTL_PERF_TIMES runs that take turns, so that what else the machine does
hits all alike.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.cli_run import ROOT
from tests.fakes.big_fleet import write_listed, write_racks

pytestmark = pytest.mark.perf
POPS, HOSTS = 4_400, 20_000
_TIMES = int(os.environ.get("EDGECTL_PERF_TIMES", "7"))
_MAIN = "from edgectl.__main__ import main; main()"
_TYPER = ["-c", "import typer"]
_LIBRARIES = ["-c", "import typer, rich, pydantic"]
_PATTERNS = ["fra3", "tier=gold", "metro=FRA", "fra*", "fra[1-4]-r1-n01"]


@pytest.fixture(scope="module", autouse=True)
def _bytecode(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compile what the commands import, which a person pays for once."""
    home = tmp_path_factory.mktemp("warm")
    write_racks(home / "inventory", 4, 18)
    for words in (["--version"], ["--help"], ["inventory", "check"], ["inventory", "list"]):
        _cpu_s(["-c", _MAIN, *words], home)


def test_a_start_beside_the_import_of_typer(tmp_path: Path) -> None:
    taken = _least(
        {"import typer": _TYPER, "--version": ["-c", _MAIN, "--version"], "--help": ["-c", _MAIN, "--help"]},
        tmp_path,
    )

    _table(taken, "import typer", {"--version": 1.5})


@pytest.mark.parametrize("write", [write_racks, write_listed], ids=["racks", "listed"])
def test_a_large_inventory(tmp_path: Path, write: object) -> None:
    assert callable(write)
    write(tmp_path / "inventory", POPS, HOSTS)
    time.sleep(3)  # until the files are older than a file system's clock ticks
    checked = _cpu_s(["-c", _MAIN, "inventory", "check"], tmp_path)
    print(f"\n{HOSTS:,} hosts in {POPS:,} PoPs; inventory check {checked:.2f} s (at most 3)")
    listing = ["-c", _MAIN, "inventory", "list"]
    commands: dict[str, Sequence[str]] = {"import typer, rich, pydantic": _LIBRARIES}
    commands |= {f"list {pattern}": [*listing, pattern] for pattern in _PATTERNS}
    commands |= {"list": listing, "list -o json": [*listing, "-o", "json"]}
    commands |= {"show": ["-c", _MAIN, "inventory", "show", "fra1-r1-n01"]}

    taken = _least(commands, tmp_path)

    _table(taken, "import typer, rich, pydantic", {f"list {pattern}": 2.0 for pattern in _PATTERNS})


def _least(commands: Mapping[str, Sequence[str]], home: Path) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(_TIMES):
        for name, words in commands.items():
            taken[name].append(_cpu_s(words, home))
    return {name: min(times) for name, times in taken.items()}


def _cpu_s(words: Sequence[str], home: Path) -> float:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *words], env=environment, cwd=home, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _table(taken: Mapping[str, float], base: str, wanted: Mapping[str, float]) -> None:
    print()
    for name, seconds in taken.items():
        most = f"  (at most {wanted[name]})" if name in wanted else ""
        print(f"{name:<30} {seconds * 1000:7.0f} ms {seconds / taken[base]:6.2f}{most}")
