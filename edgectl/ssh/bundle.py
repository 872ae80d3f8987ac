"""`edgectl.remote` as one deterministic zip, built once per process and set of extras."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import edgectl.remote

# The zip format's own epoch: the same code gives the same bytes, and so the same digest, everywhere.
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Code that travels, and its sha256."""

    content: bytes
    digest: str


@cache
def bundle(needs: frozenset[str]) -> Bundle:
    """Return the runner with the libraries in `needs` beside it (jinja2 brings markupsafe)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in sorted(_files(needs)):
            archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), path.read_bytes(), zipfile.ZIP_DEFLATED)
    content = buffer.getvalue()
    return Bundle(content, hashlib.sha256(content).hexdigest())


def _files(needs: frozenset[str]) -> Iterator[tuple[str, Path]]:
    remote = Path(edgectl.remote.__file__).parent
    yield "edgectl/__init__.py", remote.parent / "__init__.py"
    yield from _python_files(remote, "edgectl/remote")
    wanted = needs | {"markupsafe"} if "jinja2" in needs else needs
    for package in sorted(wanted):
        yield from _package(package)


def _package(name: str) -> Iterator[tuple[str, Path]]:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    origin = Path(spec.origin)
    if origin.name == "__init__.py":
        yield from _python_files(origin.parent, name)
    else:
        yield origin.name, origin


def _python_files(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*.py"):
        yield f"{prefix}/{path.relative_to(folder).as_posix()}", path
