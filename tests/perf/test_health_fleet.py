"""Four weeks of 20,000 hosts: how large the record is, how long the fleet's report, one run and pruning take.

`pytest -m perf -s tests/perf/test_health_fleet.py`. The fleet is made up, the rows are written by the store's own
code; the report is the command, in a process of its own, whose largest proportional set size is printed.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.health_states import load_state_policies
from edgectl.catalog.rules import load_rules
from edgectl.catalog.xid import load_xids
from edgectl.clock import SystemClock
from edgectl.inventory.loader import load
from edgectl.inventory.model import Host
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.history.chronicle import Chronicle
from edgectl.ops.health.verdict import judge
from edgectl.store.database import open_database
from edgectl.store.health import SqlHealthHistory
from tests.fakes.big_fleet import write_racks
from tests.perf.health_weeks import CARDS, a_node, fill
from tests.perf.measured import measured

pytestmark = [pytest.mark.perf, pytest.mark.timeout(1800)]
ROOT = Path(__file__).parents[2]
HOSTS = int(os.environ.get("EDGECTL_PERF_HOSTS", "20000"))
POPS = HOSTS * 4_400 // 20_000
DAYS = 28
# What is promised of 20,000 hosts.
REPORT_S, REPORT_BYTES, DATABASE_BYTES = 10.0, 10**9, 2 * 10**9
MIB = 1024 * 1024


def test_four_weeks_of_a_fleet(tmp_path: Path) -> None:
    inventory, path = tmp_path / "inventory", tmp_path / "state.db"
    write_racks(inventory, POPS, HOSTS)
    fleet = load(inventory, hardware=load_catalog().names)
    hosts, now = list(fleet.hosts.values()), SystemClock().now()
    engine = open_database(f"sqlite:///{path}")
    history = SqlHealthHistory(engine)
    print(
        f"\n{POPS:,} PoPs, {len(hosts):,} hosts, {len(hosts) * CARDS:,} cards, {DAYS} days of looks every 15 min"
    )

    with told("to make and write them"):
        fill(history, hosts, now, DAYS)
    _checkpoint(engine)
    print(f"  database {path.stat().st_size / MIB:,.0f} MiB")
    assert path.stat().st_size <= DATABASE_BYTES

    _one_run(history, hosts)
    _checkpoint(engine)
    print(f"  database behind it {path.stat().st_size / MIB:,.0f} MiB")
    _report(inventory, path, tmp_path)

    before = _used(engine)
    with told("to prune to two weeks"):
        gone = history.prune(now - timedelta(days=14), now - timedelta(days=14))
    freed = before - _used(engine)
    print(
        f"  {gone.weeks:,} weeks and {gone.changes:,} changes forgotten, {freed / MIB:,.0f} MiB free to be used again"
    )
    assert gone.weeks >= 2 * len(hosts) * CARDS
    assert freed > 0


def _one_run(history: SqlHealthHistory, hosts: Sequence[Host]) -> None:
    """Take one look at the whole fleet, as a run does; what it costs beside judging the hosts."""

    at, rules, xids = SystemClock().now(), load_rules(), load_xids()
    nodes = [(host.name, a_node(host, at)) for host in hosts]
    with told("to judge one look at every host"):
        verdicts = [judge(node, Expected(), rules, xids) for _, node in nodes]
    with told("to read what is on record of all hosts"):
        chronicle = Chronicle(history, [name for name, _ in nodes], load_state_policies())
    with told("to set one look at every host beside the record"):
        for (name, node), verdict in zip(nodes, verdicts, strict=True):
            chronicle.earlier(name, node, at)
            chronicle.looked(name, node, verdict, at)
        looks = chronicle.settled()
    with told("to put the run on record, in one transaction"):
        chronicle.keep(looks)
    print(f"  this process at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def _report(inventory: Path, path: Path, home: Path) -> None:
    words = ["health", "fleet", "-i", str(inventory), "--state", f"sqlite:///{path}"]
    command = [sys.executable, "-m", "edgectl", *words]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(ROOT)}
    listed = [sys.executable, "-m", "edgectl", "inventory", "list", "-i", str(inventory), "-o", "json"]
    subprocess.run(
        listed, env=environment, check=True, stdout=subprocess.DEVNULL
    )  # it is cached from here on
    costs = [measured(command, environment, ROOT) for _ in range(2)]
    for number, cost in enumerate(costs):
        peak = cost.peak_bytes / MIB
        print(
            f"  fleet report {number + 1}: {cost.wall_s:.1f} s, CPU {cost.cpu_s:.1f} s, at most {peak:,.0f} MiB"
        )
    assert min(cost.wall_s for cost in costs) <= REPORT_S
    assert max(cost.peak_bytes for cost in costs) <= REPORT_BYTES
    done = subprocess.run(
        [*command, "-o", "json"], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    data = json.loads(done.stdout)["data"]
    assert (data["hosts"], data["cards"]) == (HOSTS, HOSTS * CARDS)
    assert {trend["figure"] for trend in data["trends"]} == {
        "temperature_mean",
        "pcie_replays",
        "rows",
        "spare-rows",
    }
    assert data["lemons"]
    assert {incident["factor"] for incident in data["incidents"]} <= {"pop", "rack"}
    assert data["incidents"]
    shown = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    print("".join(f"    | {line}\n" for line in shown.stdout.splitlines()))


@contextmanager
def told(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"  {time.monotonic() - began:6.1f} s {what}")


def _checkpoint(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _used(engine: sa.Engine) -> int:
    """Return how many bytes of the database's pages hold something."""
    with engine.connect() as connection:
        pages, free, size = (
            int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("page_count", "freelist_count", "page_size")
        )
    return (pages - free) * size
