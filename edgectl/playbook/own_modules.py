"""`modules/` beside a playbook: modules of its writer's own, checked like ours before any host is contacted."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgectl.errors import InputError, Place, Problem
from edgectl.remote import own, registry
from edgectl.remote.args import ArgumentError, coerce

FOLDER = "modules"
# What hosts have at least.
_PYTHON = (3, 9)
_REPEATS = ("reads", "idempotent", "once")
_OURS = "edgectl.remote"


def take_in(beside: Path) -> list[Path]:
    """Let the modules of `modules/` in a folder be known, and those of another one forgotten; return their files.

    Raises `InputError` with every complaint about them, each with its place.
    """
    registry.OWN.clear()
    folder = beside / FOLDER
    paths = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    problems: list[Problem] = []
    for path in paths:
        try:
            registry.OWN[path.stem] = _checked(path)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return paths


def source_of(name: str) -> str:
    """Return the code of a module that was taken in, as it travels."""
    return str(registry.OWN[name].SOURCE)


def parts_of(name: str) -> frozenset[str]:
    """Return what of our own must travel beside a module that was taken in."""
    return frozenset(registry.OWN[name].PARTS)


def _checked(path: Path) -> Any:
    if path.stem in registry.MODULES:
        raise _wrong(path, f"'{path.stem}' is one of edgectl's modules; give yours another name")
    source = _read(path)
    try:
        tree = ast.parse(source, str(path), feature_version=_PYTHON)
    except SyntaxError as error:
        said = f"{error.msg}; a module must run on Python {_PYTHON[0]}.{_PYTHON[1]}"
        raise _wrong(path, said, error.lineno or 1, error.offset or 1) from None
    problems = [*_foreign(tree, path)]
    if problems:
        raise InputError(problems)
    try:
        module = own.made(path.stem, source, str(path))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - their code may raise anything
        raise _wrong(path, f"it cannot be loaded: {type(error).__name__}: {error}") from None
    problems = [*_lacking(module, path)]
    if problems:
        raise InputError(problems)
    module.SOURCE = source
    module.PARTS = [name for name, _ in _imported(tree) if name.startswith(f"{_OURS}.")]
    return module


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(path, f"cannot read: {error}") from None


def _foreign(tree: ast.Module, path: Path) -> Iterator[Problem]:
    """Complain of imports that no host has."""
    for module, node in _imported(tree):
        if not module.startswith(f"{_OURS}.") and module.partition(".")[0] not in sys.stdlib_module_names:
            said = f"'{module}' is not there at hosts: only the standard library and {_OURS} travel"
            yield Problem(said, Place(path, node.lineno, node.col_offset + 1))


def _imported(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == _OURS:
            yield from ((f"{_OURS}.{alias.name}", node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), node


def _lacking(module: Any, path: Path) -> Iterator[Problem]:
    """Complain of what every module must have."""
    arguments = getattr(module, "Args", None)
    if not getattr(module, "FREE_KEYS", False) and not hasattr(arguments, "__dataclass_fields__"):
        yield _problem(path, f"a module has a frozen dataclass `Args` (of {_OURS}.frozen)")
    for field in getattr(arguments, "__dataclass_fields__", {}).values():
        if not _is_known(str(field.type)):
            known = "str, int, float, bool, Mode, dict, list[…], Literal[…] and Any, each with `| None`"
            yield _problem(path, f"the argument '{field.name}' is a '{field.type}': known are {known}")
    if not callable(getattr(module, "run", None)):
        yield _problem(path, "a module has a function `run(args, context) -> TaskResult`")
    if getattr(module, "REPEAT", None) not in _REPEATS:
        yield _problem(
            path, f"a module says how it bears being repeated: REPEAT is one of {', '.join(_REPEATS)}"
        )
    if getattr(module, "ENDS_BOOT", False):
        yield _problem(path, "only edgectl's own `reboot` ends a boot: write it as a task of its own")


def _is_known(annotation: str) -> bool:
    try:
        coerce("", "", annotation)
    except ArgumentError:
        return True
    except KeyError:
        return False
    return True


def _problem(path: Path, message: str) -> Problem:
    return Problem(message, Place(path))


def _wrong(path: Path, message: str, line: int = 1, column: int = 1) -> InputError:
    return InputError([Problem(message, Place(path, line, column))])
