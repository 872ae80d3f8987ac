"""The shape of the code: who imports whom, how long a file is, what travels, what starts fast."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from importlinter import cli

from edgectl.remote.registry import MODULES
from edgectl.ssh.bundle import bundle

ROOT = Path(__file__).parent.parent
TOP_LEVEL = {"LICENSE", "README.md", "edgectl", "inventory", "playbooks", "pyproject.toml", "tests"}
LINES = 400

# A host behind a slow line pays for each byte in every run: a growth is a decision. Measured with
# bytecode at 103.1, 312 and 866 KiB: a job ships only the modules it names, and all of them come in no job.
SMALLEST_BYTES = 104 * 1024
JINJA2_BYTES = 450 * 1024
WHOLE_BYTES = 960 * 1024

# What a module may import at the host beside the standard library, and has to declare as `NEEDS`.
TRAVELLING = {"jinja2", "markupsafe", "pynvml", "yaml"}

# Each costs more than all of edgectl's own start, and none is needed to say what edgectl can do.
HEAVY = {
    "alembic",
    "asyncio",
    "cryptography",
    "hashlib",
    "jinja2",
    "paramiko",
    "prometheus_client",
    "pydantic",
    "pydantic_core",
    "rich",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "tenacity",
    "xml",
    "yaml",
}
GROUPS = [
    "demo",
    "lab",
    "inventory",
    "trust",
    "ping",
    "exec",
    "run",
    "provision",
    "deploy",
    "bench",
    "health",
]


def _sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_the_contracts_of_import_linter_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    assert cli.lint_imports(no_cache=True) == cli.EXIT_STATUS_SUCCESS


def test_no_file_is_longer_than_can_be_kept_in_mind() -> None:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in _sources("edgectl", "tests")
    }

    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > LINES} == {}


def test_what_travels_imports_the_standard_library_itself_and_what_it_declares() -> None:
    allowed = {"edgectl", *sys.stdlib_module_names}
    for path in _sources("edgectl/remote"):
        foreign = {name.split(".")[0] for name in _imported(path)} - allowed
        ours = {name for name in _imported(path) if name.startswith("edgectl")}

        assert foreign <= TRAVELLING, path
        assert all(name.startswith("edgectl.remote") for name in ours), path


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_top_level_holds_what_it_should_and_dotfiles() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("needs a git checkout: git clone")
    names = {name.split("/")[0] for name in listed.stdout.splitlines()}

    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_every_todo_names_the_condition_that_ends_it() -> None:
    bare = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b(?! when | until | once )")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _sources("edgectl", "tests")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if bare.search(line)
    ]

    assert found == []


def _modules(*words: str, cwd: Path = ROOT) -> set[str]:
    """Return what a command imports, down to the end of its work."""
    program = (
        "import sys\n"
        "from edgectl.cli.main import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def _packages(modules: Iterable[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


def test_the_version_waits_for_no_command() -> None:
    modules = _modules("--version")

    assert _packages(modules) & HEAVY == set()
    assert {name for name in modules if name.startswith("edgectl")} == {
        "edgectl",
        "edgectl.cli",
        "edgectl.cli.groups",
        "edgectl.cli.main",
        "edgectl.cli.quick",
    }


@pytest.mark.parametrize("group", ["", *GROUPS, "runs", "freeze"])
def test_help_waits_for_nothing_heavy(group: str) -> None:
    assert _packages(_modules(*group.split(), "--help")) & HEAVY == set()


def test_help_of_a_command_imports_no_other_command() -> None:
    modules = _modules("inventory", "list", "--help")

    assert {name for name in modules if name.startswith("edgectl.cli.")} & {
        f"edgectl.cli.{other}" for other in (*GROUPS, "hosts", "runs", "freeze")
    } == {"edgectl.cli.inventory"}


def test_a_cached_inventory_is_listed_without_the_libraries_that_read_one(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "inventory", tmp_path / "inventory")
    first = _modules("inventory", "list", "tier=gold", cwd=tmp_path)
    again = _modules("inventory", "list", "tier=gold", cwd=tmp_path)

    assert {"pydantic", "yaml"} <= first
    # Young files are told apart by their content, whose digest is OpenSSL's.
    assert _packages(again) & HEAVY <= {"rich", "hashlib"}


def test_the_runner_stays_within_its_budget() -> None:
    def size(modules: Iterable[str], *needs: str) -> int:
        return len(bundle(frozenset(modules), frozenset(needs)).content)

    assert size(["ping"]) < SMALLEST_BYTES
    assert size(["ping"], "jinja2") - size(["ping"]) < JINJA2_BYTES
    assert size(MODULES) < WHOLE_BYTES


def test_the_runner_s_start_imports_no_dear_module() -> None:
    """Each costs a host milliseconds at every visit; `python -X importtime` tells."""
    dear = {
        "dataclasses",
        "inspect",
        "subprocess",
        "shutil",
        "hashlib",
        "tempfile",
        "asyncio",
        "logging",
        "ast",
    }
    program = (
        "import sys; import edgectl.remote.__main__, edgectl.remote.start, edgectl.remote.tasks.ping;"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {program}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert set(done.stdout.split()) & dear == set()


def test_the_same_code_is_the_same_bundle_in_every_process() -> None:
    program = (
        "from edgectl.ssh.bundle import bundle\n"
        "from edgectl.remote.registry import MODULES\n"
        "print(bundle(frozenset(MODULES), frozenset({'jinja2'})).digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    }

    assert digests == {bundle(frozenset(MODULES), frozenset({"jinja2"})).digest}


def test_no_test_replaces_our_own_code() -> None:
    replacing = re.compile(r"unittest\.mock|monkeypatch\.setattr\(\s*[\"']?edgectl")
    this = Path(__file__)

    assert [path for path in _sources("tests") if path != this and replacing.search(path.read_text())] == []
