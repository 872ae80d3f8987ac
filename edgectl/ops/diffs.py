"""What `--diff` tells, as one reads a review: each distinct change once, with the hosts that it is for. Pure."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from edgectl.engine.outcome import HostOutcome
from edgectl.inventory.fold import abridged
from edgectl.report import Line, Tone

# Of one change so many lines are shown; the whole is in the report (-o json).
_SHOWN_LINES = 200


def diff_lines(hosts: Iterable[HostOutcome]) -> list[Line]:
    """Return the changes task by task, of each task the one that most hosts have first."""
    tasks: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for host in hosts:
        for task in host.tasks:
            for diff in _diffs_of(task.result):
                tasks[task.name][diff].append(host.host)
    return [line for name, changes in tasks.items() for line in _of_task(name, changes)]


def _of_task(name: str, changes: Mapping[str, list[str]]) -> Iterator[Line]:
    for diff, names in sorted(changes.items(), key=lambda change: -len(change[1])):
        count = f"  ({len(names):,})" if len(names) > 1 else ""
        yield Line(f"{name}   {abridged(names)}{count}")
        lines = diff.splitlines()
        yield from (Line(f"  {line}", _tone(line)) for line in lines[:_SHOWN_LINES])
        if len(lines) > _SHOWN_LINES:
            yield Line(f"  and {len(lines) - _SHOWN_LINES:,} lines more: -o json", Tone.QUIET)


def _diffs_of(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the changes of a result, or of each item of a loop's."""
    own = result.get("diff")  # a module may call a value of its own `results`
    for one in [result] if own else result.get("results", [result]):
        diff = one.get("diff") or {} if isinstance(one, Mapping) else {}
        if "prepared" in diff:
            yield str(diff["prepared"])
        elif "before" in diff and "after" in diff:
            before, after = str(diff["before"]).splitlines(), str(diff["after"]).splitlines()
            names = (diff.get("before_header", "before"), diff.get("after_header", "after"))
            yield "\n".join(difflib.unified_diff(before, after, *names, lineterm=""))


def _tone(line: str) -> Tone:
    if line.startswith("+"):
        return Tone.GOOD
    return Tone.BAD if line.startswith("-") else Tone.QUIET
