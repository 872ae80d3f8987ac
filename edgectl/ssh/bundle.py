"""The travelling code of a job as one deterministic zip: the runner, the job's modules, and what they import.

Each source travels with its bytecode for the controller's own minor version of Python. A host with another one
finds the bytecode's magic number wrong and takes the source, as zipimport always does.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import io
import marshal
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import edgectl
from edgectl.remote.registry import MODULES, load

# The zip format's own epoch: the same code gives the same bytes, and so the same digest, everywhere.
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_ROOT = Path(edgectl.__file__).parent.parent
_ENTRY = "edgectl.remote.__main__"
# What few jobs need is imported by name at run time, and travels with those alone: templates (remote/scope.py), and
# what continues a job after a reboot (remote/lasting.py). Others name what they need (ssh/loader.py).
_WITH_JINJA = "edgectl.remote.template"
_REBOOTING = "edgectl.remote.afterboot"
_UNCHECKED_HASH = (0b01).to_bytes(4, "little")
# Later versions mark what else in this process refers to a constant, so no two processes write the same bytes.
_MARSHAL_WITHOUT_REFERENCES = 2


@dataclass(frozen=True, slots=True)
class Bundle:
    """Code that travels: a zip in one zlib stream, and the sha256 of the zip itself."""

    content: bytes
    digest: str


# All hosts of a wave ask at once. One thread builds: the others would only repeat it, and parsing is not safe in
# threads (SystemError: AST constructor recursion depth mismatch, CPython gh-106905 and later).
_BUILDING = threading.Lock()
# The lock is not enough: paramiko's threads log the traceback of a failed handshake, for which CPython 3.11 parses too
# (seen once in twenty runs against a server that drops handshakes).
_PARSE_ATTEMPTS = 50


def bundle(modules: frozenset[str], needs: frozenset[str]) -> Bundle:
    """Return the runner with these playbook modules, and the libraries in `needs` beside it; built once."""
    with _BUILDING:
        return _built(modules, needs)


@cache
def _built(modules: frozenset[str], needs: frozenset[str]) -> Bundle:
    wanted = {_ENTRY, *(f"edgectl.remote.tasks.{MODULES[name]}" for name in modules)}
    own = {name for name in needs if name.startswith("edgectl.")}
    wanted |= own
    if any(getattr(load(name), "ENDS_BOOT", False) for name in modules):
        wanted.add(_REBOOTING)
    if "jinja2" in needs:
        wanted.add(_WITH_JINJA)
    files = {**_ours(_closure(wanted)), **dict(_libraries(needs - own))}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, path in sorted(files.items()):
            source = path.read_text(encoding="utf-8")
            _add(archive, name, _terse(source).encode())
            _add(archive, f"{name}c", _bytecode(source, name))
    # Packed as a whole: file by file it would be half as large again, and the host would unpack each one apart.
    content = zlib.compress(buffer.getvalue(), 9)
    return Bundle(content, hashlib.sha256(buffer.getvalue()).hexdigest())


def sources(needs: frozenset[str]) -> list[Path]:
    """Return every file that a bundle with these needs may be made of; this module is one of them."""
    libraries = frozenset(name for name in needs if not name.startswith("edgectl."))
    ours = sorted((_ROOT / "edgectl/remote").rglob("*.py"))
    return [
        Path(__file__),
        _ROOT / "edgectl/__init__.py",
        *ours,
        *(path for _, path in _libraries(libraries)),
    ]


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), content, zipfile.ZIP_STORED)


def _terse(source: str) -> str:
    """Return the source without comments and docstrings, every line in its old place: a fifth less to send."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    for node in ast.walk(_parsed(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
            after = lines[last].encode()[node.end_col_offset :].decode()
            lines[first] = lines[first].encode()[: node.col_offset].decode() + '""' + after
            lines[first + 1 : last + 1] = [""] * (last - first)
    return "\n".join(lines) + "\n"


def _parsed(source: str) -> ast.Module:
    for _ in range(_PARSE_ATTEMPTS):
        with contextlib.suppress(SystemError):
            return ast.parse(source)
    return ast.parse(source)


def _bytecode(source: str, name: str) -> bytes:
    """Return an unchecked, hash-based pyc (PEP 552) without docstrings; the zip's digest proves it.

    What functions say of their types goes too: it is a tenth of the code, and nobody at a host asks for it.
    """
    tree = _parsed(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
    code = compile(tree, name, "exec", dont_inherit=True, optimize=2)
    return (
        importlib.util.MAGIC_NUMBER
        + _UNCHECKED_HASH
        + bytes(8)
        + marshal.dumps(code, _MARSHAL_WITHOUT_REFERENCES)
    )


def _ours(names: Iterable[str]) -> dict[str, Path]:
    """Return the files of modules, and of the packages they lie in, by their names in the zip."""
    found: set[str] = set()
    for name in names:
        *packages, last = name.split(".")
        folders = ["/".join(packages[: depth + 1]) for depth in range(len(packages))]
        found.update(f"{folder}/__init__.py" for folder in folders)
        place = "/".join([*packages, last])
        found.add(f"{place}.py" if (_ROOT / f"{place}.py").exists() else f"{place}/__init__.py")
    return {name: _ROOT / name for name in found}


def _parents(name: str) -> Iterator[str]:
    """Yield the packages around a module: without its `__init__`, zipimport knows no package."""
    package = name.rpartition(".")[0]
    while package:
        yield package
        package = package.rpartition(".")[0]


def _closure(names: set[str]) -> set[str]:
    """Return these modules of ours and every one that they import, anywhere in their code."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(name)
    return found


@cache
def _imports(name: str) -> tuple[str, ...]:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return tuple(_imported(_parsed(Path(spec.origin).read_text())))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("edgectl.remote"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("edgectl.remote"):
            below = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if _is_module(name) else str(node.module) for name in below)


@cache
def _is_module(name: str) -> bool:
    place = _ROOT / name.replace(".", "/")
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


def _libraries(needs: frozenset[str]) -> Iterator[tuple[str, Path]]:
    for name in sorted(needs | {"markupsafe"} if "jinja2" in needs else needs):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(name)
        origin = Path(spec.origin)
        if origin.name != "__init__.py":
            yield origin.name, origin
            continue
        for path in origin.parent.rglob("*.py"):
            yield f"{name}/{path.relative_to(origin.parent).as_posix()}", path
