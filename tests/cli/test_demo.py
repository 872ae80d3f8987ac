"""`edgectl demo` shows the whole main job and leaves nothing, whoever runs it."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli_run import ROOT

pytestmark = pytest.mark.timeout(300)

_STEPS = [
    "$ edgectl lab up",
    "$ edgectl ping",
    "$ edgectl provision all -y",
    "$ edgectl provision all -y",
    "$ edgectl deploy apply chat -y",
    "$ edgectl bench run all --service chat --concurrency 2 --requests 40",
    "$ edgectl health all",
    "$ edgectl runs list",
    "$ edgectl lab down",
]
_NOBODY = 65534
# Started by root, a process gets an interpreter in /root going; one of its children does not.
_PROBE = "import subprocess, sys, typer, xllamacpp, edgectl; subprocess.run([sys.executable, '-c', ''], check=True)"


@dataclass(frozen=True)
class Shown:
    code: int
    out: str
    err: str
    home: Path

    @property
    def steps(self) -> list[str]:
        return [line for line in self.out.splitlines() if line.startswith("$ ")]


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A demo takes the same addresses each time: one after the other."""
    with (tmp_path_factory.getbasetemp().parent / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(autouse=True)
def engine() -> None:
    for package in ("xllamacpp", "gguf"):
        pytest.importorskip(package, reason="needs the lab's engine: pip install 'edgectl[lab]'")


def demo(command: Sequence[str], environment: dict[str, str], cwd: Path, home: Path) -> Shown:
    """Run a demo; a machine that lets nobody make namespaces skips the test with the reason it gives."""
    done = subprocess.run(
        [*command, "-m", "edgectl", "demo"],
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if done.returncode == 8:  # what edgectl itself needs is not there, and it says what
        pytest.skip(done.stderr)
    return Shown(done.returncode, done.stdout, done.stderr, home)


def left_over(home: Path) -> dict[str, list[str]]:
    """Return the files below a home but the log, the processes that know of it, and the mounts in it."""
    mark = str(home).encode()
    processes = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                known = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            processes += [entry.name] if mark in known else []
    files = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    return {
        "processes": processes,
        "mounts": [
            line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(home) in line
        ],
        "files": [name for name in files if "/logs/" not in name],
        "scratch": [str(path) for path in (home / "tmp").iterdir()],
    }


_NOTHING: dict[str, list[str]] = {"processes": [], "mounts": [], "files": [], "scratch": []}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    found = tmp_path / "home"
    (found / "tmp").mkdir(parents=True)
    return found


def assert_shown(shown: Shown) -> None:
    assert shown.code == 0, shown
    assert shown.steps == _STEPS
    again = shown.out.split("# the same again: nothing to do")[1].split("\n# ")[0]
    assert "6 ok" in again
    assert "changed" not in again
    assert "smoke ok" in shown.out
    assert "TTFT" in shown.out
    health = shown.out.split("$ edgectl health all")[1].split("\n# ")[0]
    assert "iad1-r1-n02" in health
    assert "exit 4" in health
    assert "All steps did what they should." in shown.out
    assert left_over(shown.home) == _NOTHING


def test_the_demo_shows_all_steps_and_leaves_nothing_whoever_runs_it(home: Path) -> None:
    """As an ordinary user, whom root becomes for it."""
    if os.geteuid() == 0:
        assert_shown(demo(*_as_ordinary_user(home), home))
        return
    environment = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - a test is the outermost layer
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "PYTHONPATH": str(ROOT),
    }
    assert_shown(demo([sys.executable], environment, home, home))


@pytest.mark.long
def test_the_demo_needs_nothing_in_the_environment(home: Path) -> None:
    if Path.home() != Path("/root") or not os.access("/root", os.W_OK):
        pytest.skip(
            "without HOME the demo is at home in the account's own folder: run this as root of a container"
        )
    before = {path for path in Path("/tmp").iterdir() if path.name.startswith("edgectl-demo-")}
    shown = demo(["/usr/bin/env", "-i", sys.executable], {}, ROOT, home)
    assert_shown(shown)
    assert {path for path in Path("/tmp").iterdir() if path.name.startswith("edgectl-demo-")} <= before
    assert not Path("/root/.local/state/edgectl/demo-lab").exists()


def _as_ordinary_user(home: Path) -> tuple[list[str], dict[str, str], Path]:
    """Return how to run Python as a user that owns nothing but a home, with a copy of the tree it can read."""
    if shutil.which("setpriv") is None:
        pytest.skip("becoming another user needs setpriv: apt-get install util-linux")
    tree = home.parent / "tree"
    for name in ("edgectl", "playbooks", "inventory"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (home.parent, *home.parent.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY)
    for folder in home.parents:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(folder.stat().st_mode | 0o111)
    become = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    environment = {
        "PATH": os.defpath,
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "PYTHONPATH": str(tree),
    }
    installed = {_site_of(name) for name in ("typer", "xllamacpp", "pydantic")}
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        more = {**environment, "PYTHONPATH": os.pathsep.join([str(tree), *sorted(installed)])}
        probe = [*become, python, "-c", _PROBE]
        if subprocess.run(probe, env=more, cwd=tree, capture_output=True, check=False).returncode == 0:
            return [*become, python], more, tree
    pytest.skip(f"other users cannot run {sys.executable}: use a Python outside of /root")


def _site_of(package: str) -> str:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent.parent)
