"""Gather facts about the host."""

from __future__ import annotations

import fnmatch

from edgectl.remote import facts
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult, failed, ok

REPEAT = "reads"


@dataclass(frozen=True)
class Args:
    """All facts, unless told otherwise."""

    gather_subset: list[str] = arg(
        factory=lambda: ["all"], doc="all, min, hardware, network, virtual; with ! in front: not that."
    )
    filter: list[str] = arg(factory=list, doc="Only facts whose names match one of these patterns.")
    gather_timeout: int = arg(10, doc="Accepted for Ansible's sake; no fact here takes long.")


def run(args: Args, _context: TaskContext) -> TaskResult:
    """Read the facts."""
    try:
        subsets = facts.chosen(args.gather_subset)
    except ValueError as error:
        return failed(str(error))
    found = facts.gather(subsets)
    patterns = [pattern for pattern in args.filter if pattern]
    if patterns:
        found = {name: value for name, value in found.items() if _matches(name, patterns)}
    return ok(ansible_facts=found)


def _matches(name: str, patterns: list[str]) -> bool:
    """As with Ansible a pattern may leave the prefix out."""
    return any(
        fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(name, f"ansible_{pattern}") for pattern in patterns
    )
