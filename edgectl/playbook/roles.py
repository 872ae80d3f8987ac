"""Roles: a folder beside the playbook with tasks, handlers, defaults, variables, files and templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.yaml_source import load

_KNOWN = frozenset({"tasks", "handlers", "defaults", "vars", "files", "templates", "meta"})
# What says how a role is tested, and to whom it belongs, and does nothing.
_IDLE = frozenset({"tests", "molecule", "README.md", "README", "LICENSE"})


class RoleError(ValueError):
    """A role is not there, or has parts that we have not."""


@dataclass(frozen=True, slots=True)
class Role:
    """One role as it lies there; `around` is what its play and entry say for each of its tasks."""

    name: str
    folder: Path
    tasks: Path | None
    handlers: Path | None
    defaults: Mapping[str, Any]
    vars: Mapping[str, Any]
    files: tuple[Path, ...]
    around: Any = field(default=None)


def find_role(playbook: Path, name: str) -> Role:
    """Return a role from `roles/` beside the playbook. Raises `RoleError`, and `InputError` for bad YAML."""
    folder = playbook.parent / "roles" / name
    if not folder.is_dir():
        raise RoleError(f"there is no role '{name}': looked at {folder}")
    strange = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.name not in _KNOWN | _IDLE and not entry.name.startswith(".")
    )
    if strange:
        raise RoleError(
            f"the role '{name}' has {', '.join(strange)}, which is not supported: tasks do that here"
        )
    _refuse_dependencies(folder, name)
    defaults, variables = _mapping(folder, "defaults"), _mapping(folder, "vars")
    read = [path for part in ("defaults", "vars") if (path := _main(folder, part))]
    return Role(
        name, folder, _main(folder, "tasks"), _main(folder, "handlers"), defaults, variables, tuple(read)
    )


def _refuse_dependencies(folder: Path, name: str) -> None:
    path = _main(folder, "meta")
    told = load(path).value if path else None
    if isinstance(told, dict) and told.get("dependencies"):
        raise RoleError(f"the role '{name}' has dependencies: name them under `roles` of the play, before it")


def _mapping(folder: Path, part: str) -> Mapping[str, Any]:
    path = _main(folder, part)
    value = load(path).value if path else None
    if value is not None and not isinstance(value, dict):
        raise RoleError(f"{path} does not hold a mapping of variables")
    return value or {}


def _main(folder: Path, part: str) -> Path | None:
    return next((path for end in ("yml", "yaml") if (path := folder / part / f"main.{end}").is_file()), None)
