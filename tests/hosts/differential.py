"""The differential suite: cases of every module, run by ansible-playbook and by edgectl on two equal Debians.

A file of cases names its module, the fields of the result that its documentation promises, and what each case
begins with. `@` in an argument is the case's own folder at the host.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from tests.cli_run import ROOT, Edgectl
from tests.hosts.ansible_twin import command_for_ansible, said_by_ansible
from tests.hosts.machines import Machine, inventory

CASES = ROOT / "tests" / "cases" / "differential"
INTENDED = CASES / "intended.yaml"
_FOLDER = "/srv/case"
# What modules change beside the folders of the cases.
_ACCOUNTS = ("/etc/passwd", "/etc/group", "/home")
_NAMES = ("/etc/hostname", "/etc/localtime", "/etc/fstab", "/mnt", "/srv/out")
_SCHEDULES = ("/etc/cron.d", "/var/spool/cron", "/etc/modules-load.d", "/etc/modprobe.d")
_SYSTEM = (*_ACCOUNTS, *_NAMES, *_SCHEDULES, "/etc/apt/sources.list.d", "/etc/apt/keyrings")
_LIST_TREE = ROOT / "tests" / "hosts" / "list_tree.py"
# What tells of the moment, of the run, or of the tool itself in any module's result.
_DIFF_SIDES = ("before", "after")


@dataclass(frozen=True, slots=True)
class Case:
    """One task: what it begins with, its arguments, and what of its result both must agree on."""

    id: str
    module: str
    task: Mapping[str, Any]
    start: Mapping[str, Any]
    fields: frozenset[str]
    fails: bool
    refused: bool
    has_diff: bool

    @property
    def folder(self) -> str:
        """Return the case's folder at the host."""
        return f"{_FOLDER}/{self.id}"


@dataclass(frozen=True, slots=True)
class Pass:
    """One way to run the cases."""

    name: str
    options: tuple[str, ...] = ()
    fails: bool = False


# In check mode first: the hosts are fresh then, and must be fresh behind it.
PASSES = (
    Pass("check", ("--check",)),
    Pass("check, diff", ("--check", "--diff")),
    Pass("first"),
    Pass("again"),
    Pass("failures", fails=True),
)


def load_cases() -> list[Case]:
    """Return every case of every file, in the order they are run in."""
    return [case for path in sorted(CASES.glob("[0-9]*.yaml")) for case in _cases_in(path)]


def _cases_in(path: Path) -> Iterator[Case]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    for number, raw in enumerate(found["cases"]):
        module = raw.get("module", found["module"])
        case_id = f"{module}-{number:02}"
        keywords = {**found.get("task", {}), **raw.get("task", {})}
        task = {
            module: placed(raw["args"], f"{_FOLDER}/{case_id}"),
            **placed(keywords, f"{_FOLDER}/{case_id}"),
        }
        yield Case(
            case_id,
            module,
            task,
            raw.get("start", {}),
            frozenset(raw.get("fields", found.get("fields", []))),
            fails=raw.get("fails", False) or raw.get("refused", False),
            refused=raw.get("refused", False),
            has_diff=raw.get("diff", found.get("diff", False)),
        )


def placed(value: Any, folder: str) -> Any:
    """Return arguments with the case's folder in them."""
    if isinstance(value, str):
        return (
            folder + value[1:]
            if value == "@" or value.startswith("@/")
            else value.replace(" @/", f" {folder}/")
        )
    if isinstance(value, list):
        return [placed(item, folder) for item in value]
    return (
        {name: placed(inner, folder) for name, inner in value.items()} if isinstance(value, dict) else value
    )


def write_playbook(path: Path, cases: Sequence[Case]) -> Path:
    """Write the cases as one play in which nothing stops it."""
    tasks = [{"name": case.id, **case.task, "register": "r", "ignore_errors": True} for case in cases]
    play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
    path.write_text(yaml.safe_dump([play], sort_keys=False, width=1000), encoding="utf-8")
    return path


def prepare(machine: Machine, packages: str) -> None:
    """Give a host what the cases find there."""
    script = (CASES / "prepare.sh").read_text(encoding="utf-8")
    machine.run(f"bash -s {packages} {machine.address} <<'END'\n{script}\nEND")


def set_up(machine: Machine, cases: Sequence[Case]) -> None:
    """Lay out what each case begins with."""
    told = {case.folder: case.start for case in cases}
    machine.run(f"python3 - <<'END'\n{_SET_UP}\nlay_out({json.dumps(told)!r})\nEND")


_SET_UP = """
import json, os
def lay_out(text):
    for folder, start in json.loads(text).items():
        os.makedirs(folder, exist_ok=True)
        for name, content in start.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            mode = 0o644
            if isinstance(content, dict):
                mode, content = int(content.get("mode", "644"), 8), content.get("content", "")
            if name.endswith("/"):
                os.makedirs(path, exist_ok=True)
                continue
            if content.startswith("-> "):
                os.symlink(content[3:], path)
                continue
            with open(path, "w", newline="") as stream:
                stream.write(content)
            os.chmod(path, mode)
            os.utime(path, (1600000000, 1600000000))
"""


def tree(machine: Machine) -> dict[str, Any]:
    """Return all that the cases may have touched: mode, owner and content of each path."""
    tops = " ".join([_FOLDER, *_SYSTEM])
    found = json.loads(machine.run(f"python3 - {tops} <<'END'\n{_LIST_TREE.read_text()}\nEND"))
    assert isinstance(found, dict)
    return found


@dataclass(slots=True)
class Ends:
    """How a tool says each task of a run ended, and what the whole came to."""

    code: int
    status: dict[str, str] = field(default_factory=dict)
    result: dict[str, dict[str, Any]] = field(default_factory=dict)


def by_ansible(playbook: Path, machine: Machine, home: Path, options: Sequence[str]) -> Ends:
    """Run a playbook by ansible-playbook."""
    done = command_for_ansible(playbook, machine, home, *options, timeout_s=1800)
    ends = Ends(done.returncode)
    for said in said_by_ansible(done):
        ends.status[said["task"]] = said["status"]
        ends.result[said["task"]] = said["result"]
    return ends


def by_edgectl(edgectl: Edgectl, playbook: Path, machine: Machine, options: Sequence[str]) -> Ends:
    """Run a playbook by edgectl."""
    inventory(edgectl.inventory, [machine])
    done = edgectl("run", playbook, "-o", "json", *options, timeout_s=900)
    assert done.out, done.err
    ends = Ends(done.code)
    for task in done.host(machine.name)["tasks"]:
        ends.status[task["name"]] = task["status"]
        ends.result[task["name"]] = task["result"]
    return ends


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same; `what` is status, tree, or a field of the result."""

    case: Case
    during: str
    what: str
    ours: Any
    theirs: Any

    def __str__(self) -> str:
        words = f"{self.case.id} ({self.during}): {self.what}"
        return f"{words}\n    ours   {_short(self.ours)}\n    theirs {_short(self.theirs)}"


def _short(value: Any) -> str:
    text = json.dumps(value, default=str, sort_keys=True)
    return text if len(text) < 300 else text[:300] + "…"


def compare(cases: Sequence[Case], during: Pass, ours: Ends, theirs: Ends) -> Iterator[Difference]:
    """Yield what differs in what the tools say."""
    for case in cases:
        told, wanted = ours.status.get(case.id, "absent"), theirs.status.get(case.id, "absent")
        if told != wanted:
            yield Difference(
                case, during.name, "status", _told(told, ours, case), _told(wanted, theirs, case)
            )
        elif told in ("ok", "changed"):
            yield from _compare_results(case, during, ours.result[case.id], theirs.result[case.id])


def _told(status: str, ends: Ends, case: Case) -> str:
    return f"{status}: {str(ends.result.get(case.id, {}).get('msg', ''))[:160]}"


def _compare_results(
    case: Case, during: Pass, ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[Difference]:
    for name in sorted(case.fields):
        mine, other = _settled(ours.get(name)), _settled(theirs.get(name))
        if mine != other:
            yield Difference(case, during.name, name, mine, other)
    if case.has_diff and "--diff" in during.options:
        mine, other = _sides(ours.get("diff")), _sides(theirs.get("diff"))
        if mine != other:
            yield Difference(case, during.name, "diff", mine, other)


def _settled(value: Any) -> Any:
    """Return a value as both may say it: absent, none, false and empty are one, and lists of paths have no order."""
    if isinstance(value, list):
        listed = [_settled(item) for item in value]
        return sorted(listed, key=lambda item: json.dumps(item, sort_keys=True)) or None
    if isinstance(value, dict):
        kept = {name: _settled(inner) for name, inner in value.items() if name not in _MOMENT}
        return {name: inner for name, inner in kept.items() if inner is not None} or None
    return value or None


_TIMES = {"atime", "mtime", "ctime", "birthtime", "start", "end", "delta"}
_MOMENT = _TIMES | {"inode", "dev", "blocks", "version", "attr_flags", "attributes", "mimetype", "charset"}


def _sides(diff: Any) -> dict[str, str]:
    """Return the two texts of a difference; Ansible may have several, one for the mode."""
    parts = diff if isinstance(diff, list) else [diff or {}]
    sides = {side: "".join(_side(part.get(side)) for part in parts) for side in _DIFF_SIDES}
    return {} if sides["before"] == sides["after"] else sides


def _side(value: Any) -> str:
    """Return one side as a text; Ansible has a mapping where it is the state of a path."""
    is_state = isinstance(value, dict) and "state" in value
    return (
        json.dumps(value, indent=4, sort_keys=True) + "\n"
        if is_state
        else value
        if isinstance(value, str)
        else ""
    )


def compare_trees(
    cases: Sequence[Case], during: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[Difference]:
    """Yield the paths that differ, each under the case that it belongs to."""
    for path in sorted({*ours, *theirs}):
        if ours.get(path) != theirs.get(path):
            case = next((case for case in cases if f"{path}/".startswith(f"{case.folder}/")), _SYSTEM_CASE)
            yield Difference(case, during, f"tree {path}", ours.get(path), theirs.get(path))


_SYSTEM_CASE = Case("system", "system", {}, {}, frozenset(), fails=False, refused=False, has_diff=False)


@dataclass(frozen=True, slots=True)
class Intent:
    """A difference that is meant: which cases, passes and parts, and why."""

    cases: tuple[str, ...]
    passes: tuple[str, ...]
    what: str
    says_more: bool
    here: str
    there: str
    because: str

    def covers(self, found: Difference) -> bool:
        """Tell whether a difference is this one."""
        in_pass = not self.passes or found.during in self.passes
        is_more = not self.says_more or found.theirs is None
        named = any(fnmatch(found.case.id, one) for one in self.cases) and fnmatch(found.what, self.what)
        return in_pass and named and is_more

    def row(self) -> str:
        """Return the difference as a row of the README's table."""
        return f"| {self.here} | {self.there} | {self.because} |"


def load_intents() -> list[Intent]:
    """Return every difference that is meant."""
    found = yaml.safe_load(INTENDED.read_text(encoding="utf-8"))
    return [
        Intent(
            tuple(raw["cases"]),
            tuple(raw.get("passes", [])),
            raw["what"],
            raw.get("says more", False),
            raw["here"],
            raw["in Ansible"],
            raw["because"],
        )
        for raw in found
    ]


def table(cases: Sequence[Case], meant: Sequence[Difference], rest: Sequence[Difference]) -> str:
    """Return how many cases each module has, in how many runs of them all was equal, meant, or neither."""
    rows = ["module                cases   runs  equal  intended  unexplained"]
    runs = Counter(case.module for case in cases for one in PASSES if case.fails == one.fails)
    seen = [{(one.case.module, one.case.id, one.during) for one in found} for found in (meant, rest)]
    for module, count in sorted(Counter(case.module for case in cases).items()):
        wanted, wrong = ({key for key in found if key[0] == module} for found in seen)
        equal = runs[module] - len(wanted | wrong)
        rows.append(
            f"{module:<21}{count:>6}{runs[module]:>7}{equal:>7}{len(wanted - wrong):>10}{len(wrong):>13}"
        )
    return "\n".join(rows)
