"""Set variables for the tasks that follow at this host."""

from __future__ import annotations

from edgectl.remote.context import TaskContext
from edgectl.remote.lean import Any
from edgectl.remote.result import TaskResult, failed, ok

REPEAT = "reads"
PURE = True
# Every key is a variable's name, so there is no fixed list of arguments.
FREE_KEYS = True


def run(args: dict[str, Any], _context: TaskContext) -> TaskResult:
    """Give the variables back; `cacheable` is Ansible's, and there is no cache to put them in."""
    facts = {name: value for name, value in args.items() if name != "cacheable"}
    if not facts:
        return failed("No key/value pairs provided: write at least one, as in 'answer: 42'")
    for name in facts:
        if not name.isidentifier():
            return failed(f"'{name}' cannot name a variable: use letters, digits and _, no digit first")
    return ok(ansible_facts=facts)
