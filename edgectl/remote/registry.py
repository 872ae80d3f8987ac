"""Every module edgectl has, by name, written out by hand. A test compares the table with the folder."""

from __future__ import annotations

import importlib
from typing import Any, Dict

MODULES: Dict[str, str] = {
    "command": "command",
}


def load(name: str) -> Any:
    """Import a module by the name a playbook uses: only what a job needs is ever compiled at the host.

    A module has `Args`, `run(args, context) -> TaskResult`, `REPEAT` ("reads", "idempotent" or "once") and,
    where a bare text may stand in place of a mapping, `FREE_FORM` (the argument that the text is).
    """
    return importlib.import_module(f"edgectl.remote.tasks.{MODULES[name]}")
