"""A run over the workers of a Dask scheduler is the same run: on real hosts, with a worker lost, and under TLS."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from edgectl.clock import SystemClock
from edgectl.engine.events import HostEnded, RunEvent
from edgectl.pools.dask import DaskPool
from edgectl.pools.dask_crew import Came, DaskCrew, Went
from tests.cli_run import ROOT, Edgectl
from tests.dask_cluster import Cluster, cluster
from tests.fakes.fleet import a_host, work_for
from tests.fakes.scripts import all_well
from tests.faults.conftest import BootSite
from tests.faults.controllers import count, counted, play, started, wait_for
from tests.hosts.machines import Machine, inventory

TIMES = {"run", "started", "seconds", "start", "end", "delta", "elapsed"}


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


@pytest.fixture
def hosts(boot_site: BootSite, edgectl: Edgectl) -> list[Machine]:
    found = [boot_site(name).machine for name in ("n01", "n02", "n03", "n04")]
    inventory(edgectl.inventory, found)
    return found


def timeless(told: Any) -> Any:
    """Return a report without what differs from one run to the next."""
    if isinstance(told, Mapping):
        return {name: timeless(value) for name, value in told.items() if name not in TIMES}
    return [timeless(value) for value in told] if isinstance(told, list) else told


def test_a_run_tells_the_same_as_without(
    dask: Cluster, edgectl: Edgectl, hosts: list[Machine], tmp_path: Path
) -> None:
    del hosts
    book = tmp_path / "play.yaml"
    fails = "{name: t3, shell: 'exit 7', when: inventory_hostname == 'n02'}"
    book.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - {name: t1, shell: 'echo {{ inventory_hostname }}'}\n"
        "    - {name: t2, copy: {dest: /srv/there, content: x}, check_mode: true}\n"
        f"    - {fails}\n"
    )
    near = edgectl("run", book, "-o", "json")
    far = edgectl("run", book, "-o", "json", "--pool", dask.pool)

    assert far.code == near.code == 4, far
    assert timeless(far.report()) == timeless(near.report())


def test_a_worker_lost_in_the_middle_changes_nothing(
    edgectl: Edgectl, hosts: list[Machine], tmp_path: Path
) -> None:
    book = tmp_path / "play.yaml"
    tasks = "".join(
        f"    - {{name: t{n}, shell: '{count(n, 'sleep 4' if n == 2 else 'true')}'}}\n" for n in (1, 2, 3)
    )
    book.write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
    with cluster(tmp_path / "dask") as dask:
        running = started(edgectl, "run", book, "--pool", dask.pool)
        wait_for(lambda: all(2 in counted(host) for host in hosts))
        dask.workers[0].kill()
        code, said = running.wait()

    assert code == 0, said
    assert [counted(host) for host in hosts] == [{1: 1, 2: 1, 3: 1}] * 4
    (run,) = edgectl("runs", "list", "-o", "json").report()["data"]["runs"]
    shown = edgectl("runs", "show", run["run"], "-o", "json").report()
    assert shown["summary"]["changed"] == 4


@pytest.fixture
def secret_play(tmp_path: Path) -> Path:
    book = tmp_path / "secret.yaml"
    book.write_text(
        "- hosts: n01\n  gather_facts: false\n  secrets: {token: {env: TOKEN}}\n"
        "  tasks:\n    - {name: t1, shell: 'cat >> /srv/counter', args: {stdin: '{{ token }}'}}\n"
    )
    return book


def test_secrets_do_not_travel_in_the_clear(
    dask: Cluster, edgectl: Edgectl, hosts: list[Machine], secret_play: Path
) -> None:
    ended = edgectl("run", secret_play, "--pool", dask.pool, more={"TOKEN": "7"})

    assert ended.code == 3, ended
    assert "these jobs carry secrets" in ended.err
    assert "--pool tls://" in ended.err
    assert counted(hosts[0]) == {}


def certificates(folder: Path) -> dict[str, str]:
    """Make one certificate for everybody, and return Dask's own settings for it."""
    folder.mkdir()
    key, certificate = folder / "key.pem", folder / "cert.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-subj", "/CN=dask", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    name = "DASK_DISTRIBUTED__COMM__TLS__"
    roles = {f"{name}{role}__CERT": str(certificate) for role in ("CLIENT", "SCHEDULER", "WORKER")}
    keys = {f"{name}{role}__KEY": str(key) for role in ("CLIENT", "SCHEDULER", "WORKER")}
    return {f"{name}CA_FILE": str(certificate), **roles, **keys}


def test_under_tls_a_secret_reaches_its_host(
    edgectl: Edgectl, hosts: list[Machine], secret_play: Path, tmp_path: Path
) -> None:
    settings = certificates(tmp_path / "tls")
    with cluster(tmp_path / "dask", [()], **settings) as dask:
        assert dask.pool.startswith("tls://")
        ended = edgectl("run", secret_play, "--pool", dask.pool, more={"TOKEN": "7", **settings})

    assert ended.code == 0, ended
    assert counted(hosts[0]) == {7: 1}


def another_edgectl(folder: Path) -> Path:
    shutil.copytree(ROOT / "edgectl", folder / "edgectl", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "edgectl" / "__init__.py").write_text('__version__ = "9.9.9"\n')
    return folder


def test_a_worker_with_another_edgectl_is_refused_before_any_host_is_contacted(
    edgectl: Edgectl, hosts: list[Machine], tmp_path: Path
) -> None:
    book = play(tmp_path / "play.yaml", [count(1)])
    with cluster(tmp_path / "dask", []) as dask:
        dask.add_worker(python_path=another_edgectl(tmp_path / "other"))
        ended = edgectl("run", book, "--pool", dask.pool)

    assert ended.code == 8, ended
    assert "runs edgectl 9.9.9" in ended.err
    assert [counted(host) for host in hosts] == [{}] * 4


def test_a_worker_without_edgectl_is_refused(edgectl: Edgectl, hosts: list[Machine], tmp_path: Path) -> None:
    del hosts
    (tmp_path / "nothing").mkdir()
    # It comes before a package that is installed in this environment.
    (tmp_path / "nothing/edgectl.py").write_text("raise ModuleNotFoundError(\"No module named 'edgectl'\")")
    with cluster(tmp_path / "dask", []) as dask:
        dask.add_worker(python_path=tmp_path / "nothing")
        ended = edgectl("ping", "--pool", dask.pool)

    assert ended.code == 8, ended
    assert "cannot run edgectl" in ended.err


def test_a_scheduler_without_workers_is_refused(
    edgectl: Edgectl, hosts: list[Machine], tmp_path: Path
) -> None:
    del hosts
    with cluster(tmp_path / "dask", []) as dask:
        ended = edgectl("ping", "--pool", dask.pool)

    assert ended.code == 8, ended
    assert "has no workers" in ended.err


def until_changed(crew: DaskCrew) -> list[Came | Went]:
    """Look until somebody has come or gone."""
    found: list[Came | Went] = []

    def look() -> bool:
        found.extend(crew.changes())
        return bool(found)

    wait_for(look)
    return found


def test_workers_come_and_go_and_their_resources_say_which_regions_they_are_near_to(tmp_path: Path) -> None:
    near = ("--resources", "region-eu-central=1 region-eu-west=1 GPU=2")
    with cluster(tmp_path / "dask", [near]) as dask:
        crew = DaskCrew(dask.address, all_well, SystemClock(), 2)
        with closing(crew):
            (first,) = until_changed(crew)
            dask.add_worker()
            (second,) = until_changed(crew)
            dask.workers[0].kill()
            gone = until_changed(crew)

    assert isinstance(first, Came)
    assert first.regions == {"eu-central", "eu-west"}
    assert isinstance(second, Came)
    assert second.regions == frozenset()
    assert gone == [Went(first.shift)]


def test_one_controller_does_not_wait_for_another_ones_run(dask: Cluster) -> None:
    """A shift lasts as long as its run; each worker here has one thread for Dask's tasks."""
    ended: list[str] = []

    def on_event(event: RunEvent) -> None:
        if isinstance(event, HostEnded):
            ended.append(event.outcome.host)

    with ExitStack() as opened:
        for name in ("a", "b", "c"):
            pool = opened.enter_context(closing(DaskPool(dask.address, all_well, SystemClock(), width=2)))
            work = iter(work_for([a_host(name)]))
            pool.run(lambda work=work: next(work, None), on_event)  # type: ignore[misc]

    assert ended == ["a", "b", "c"]
