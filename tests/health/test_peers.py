"""Who finds what: edgectl and its peers on the same faults, by published rules, and one of them really driven.

pip install gpucm into an environment of its own, then
EDGECTL_PEERS=/where/it/is .venv/bin/pytest -m perf -s tests/health/test_peers.py
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from edgectl.ops.health.observed import node_of
from tests.health.batch import collect_all
from tests.health.faults import FAULTS, Fault
from tests.health.matrix import HEALTHY, Cell, expected, judged, scene, told
from tests.health.peers import PEERS, Seen, finds
from tests.nvml.branches import COMPILER, NO_COMPILER
from tests.nvml.scenario import Scene
from tests.perf.fleet import PEERS as INSTALLED
from tests.remote.host import program

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
US = "edgectl"
HOSTS = [("rtx-pro-6000-server", "580"), ("rtx-pro-6000-server", "595"), ("b200", "580")]
GCM = INSTALLED / "health_checks"
# gcm asks for these to be chosen and given their limits; the limits are its own examples. Its check of the VBIOS is
# not among them: 0.0.2 compares text with bytes and finds every card to differ. Nor is that of retired pages, which
# warns of every card that remaps rows.
GCM_CHECKS = (
    *("-c", "gpu_num", "--gpu_num", "2", "-c", "row_remap_pending", "-c", "row_remap_failed"),
    *("-c", "ecc_uncorrected_volatile_total", "--ecc_uncorrected_volatile_threshold", "0"),
    *("-c", "gpu_temperature", "--gpu_temperature_threshold", "90"),
)


def host_of(fault: Fault) -> Cell:
    """Return the first host that can have a fault."""
    return next(cell for cell in (Cell(fault, *host) for host in HOSTS) if cell.is_possible)


def who_finds(cells: Sequence[Cell], folder: Path) -> dict[str, dict[str, bool]]:
    """Return for each fault who says that something is wrong."""
    answers = collect_all({cell.name: scene(cell, folder / cell.name) for cell in cells})
    found = {}
    for cell in cells:
        verdict, answer = judged(cell, answers[cell.name]), answers[cell.name]
        seen = Seen(cell.fault.log, node_of(answer), expected(cell))
        ours = set(cell.fault.finds) <= set(told(verdict)) and bool(verdict.findings)
        found[cell.fault.name] = {US: ours, **{peer: bool(finds(peer, seen)) for peer in PEERS}}
    return found


def table(found: Mapping[str, Mapping[str, bool]]) -> str:
    """Return who finds what, with the sums."""
    width, names = max(map(len, found)), list(next(iter(found.values())))
    head = f"{'fault':<{width}}  " + "  ".join(f"{name:>9}" for name in names)
    rows = [
        f"{fault:<{width}}  " + "  ".join(f"{'finds' if row[name] else '-':>9}" for name in names)
        for fault, row in found.items()
    ]
    sums = Counter(name for row in found.values() for name, is_found in row.items() if is_found)
    total = f"{f'of {len(found)}':<{width}}  " + "  ".join(f"{sums[name]:>9}" for name in names)
    return "\n".join([head, *rows, total])


def test_who_finds_what_by_published_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = who_finds([host_of(fault) for fault in FAULTS], tmp_path)

    with capsys.disabled():
        print(f"\n{table(found)}")
    assert [fault for fault, row in found.items() if not row[US]] == []
    assert all(any(row[peer] for row in found.values()) for peer in PEERS)


def test_a_healthy_host_is_healthy_to_every_peer_with_the_same_rules(tmp_path: Path) -> None:
    (row,) = who_finds([Cell(HEALTHY, *HOSTS[0])], tmp_path).values()

    assert not any(row.values())


@pytest.mark.perf
@pytest.mark.timeout(1800)
def test_gcm_itself_on_the_same_hosts(tmp_path: Path) -> None:
    if not GCM.exists():
        pytest.skip(f"needs gcm at {GCM}: pip install gpucm into an environment of its own")
    cells = [Cell(HEALTHY, *HOSTS[0]), *(host_of(fault) for fault in FAULTS)]
    answers = who_finds(cells, tmp_path / "ours")
    found = {cell.fault.name: {US: answers[cell.fault.name][US], **by_gcm(cell, tmp_path)} for cell in cells}

    print(f"\n{table(found)}")
    assert not any(found[HEALTHY.name].values())


def by_gcm(cell: Cell, folder: Path) -> dict[str, bool]:
    """Return whether gcm's checks of the kernel log and of the GPUs say that something is wrong."""
    host = scene(cell, folder / "theirs" / cell.name)
    program(host.folder / "bin", "dmesg", "#!/bin/sh\ncat <<'END'\n" + "\n".join(cell.fault.log) + "\nEND\n")
    log = run_gcm(host, "check-syslogs", "xid")
    gpus = run_gcm(host, "check-nvidia-smi", *GCM_CHECKS)
    return {"gcm log": log != 0, "gcm GPUs": gpus != 0}


def run_gcm(host: Scene, group: str, *words: str) -> int:
    """Return the exit status of one of gcm's commands; one that hangs has found nothing."""
    check, options = (words[:1], words[1:]) if group == "check-syslogs" else ((), words)
    given = ["fair_cluster", "prolog", "--sink", "do_nothing"]
    environment = {name: value for name, value in host.environment().items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            [str(GCM), group, *check, *given, *options],
            env=environment,
            capture_output=True,
            check=False,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        return 0
    return done.returncode
