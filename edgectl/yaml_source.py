"""YAML as people write it: plain values, and for every value the file, line and column it came from.

The border of all YAML in edgectl. A file that is missing, empty, not UTF-8, too large, not YAML, has tabs,
duplicate keys or an alias bomb becomes an `InputError` with its place, before anything else happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edgectl.digests import digest_of
from edgectl.errors import InputError, Place, Problem
from edgectl.yaml_values import Mark, Reader

SIZE_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: `value` is plain dicts, lists and scalars; keys are always text.

    `digest` is of the file's bytes, and '' where there was no file.
    """

    path: Path
    value: Any
    mark: Mark
    digest: str = ""

    def place(self, steps: Sequence[str | int] = (), start: Mark | None = None) -> Place:
        """Return where the value at `steps` was written: its key's place in a mapping, else its own.

        Steps that lead nowhere give the last place that exists, which is what a complaint about a missing
        key wants to name. They lead from the `start`, which is the whole document's by default.
        """
        line, column, _ = self.follow(steps, start)
        return Place(self.path, line, column)

    def written(self, steps: Sequence[str | int]) -> str:
        """Return the scalar at `steps` as it stands in the file: `NO` where YAML understands false."""
        _, _, inside = self.follow(steps)
        return inside if isinstance(inside, str) else ""

    def follow(self, steps: Sequence[str | int], start: Mark | None = None) -> Mark:
        """Return the mark that steps lead to from the `start`, or the last there is on their way."""
        mark = start or self.mark
        for step in steps:
            inside = mark[2]
            if isinstance(inside, dict):
                found = inside.get(str(step))
            elif isinstance(inside, list) and isinstance(step, int) and 0 <= step < len(inside):
                found = inside[step]
            else:
                found = None
            if found is None:
                break
            mark = found
        return mark


def load(path: Path) -> Document:
    """Read and parse one YAML file, or raise `InputError` naming `file:line:column`."""
    raw = _read_bytes(path)
    return parse(_decoded(raw, path), path, digest_of(raw))


def parse(text: str, path: Path, digest: str = "") -> Document:
    """Parse YAML text; `path` is what complaints name."""
    try:
        found = Reader(text, path).document()
    except yaml.MarkedYAMLError as error:
        raise _complaint(path, text, error) from None
    except yaml.reader.ReaderError as error:
        raise _unreadable(path, text, error) from None
    if found is None:
        message = "the file is empty; write at least one key, or remove the file"
        raise InputError([Problem(message, Place(path))])
    value, mark = found
    return Document(path, value, mark, digest)


def written(value: Any, path: Path) -> Document:
    """Return plain data of our own as the document that a person might have written."""
    return parse(yaml.safe_dump(value, sort_keys=False), path)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            limit = f"the file is larger than {SIZE_LIMIT_BYTES // 2**20} MiB; split it or name another"
            raise InputError([Problem(limit, Place(path))])
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError([Problem("there is no such file", Place(path))]) from None
    except OSError as error:
        raise InputError([Problem(f"cannot read: {error.strerror}", Place(path))]) from None


def _decoded(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise InputError([Problem(message, Place(path, line, column))]) from None


def _complaint(path: Path, text: str, error: yaml.MarkedYAMLError) -> InputError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    message = error.problem or str(error)
    if line < len(lines) and "\t" in (lines[line][column : column + 1], *_indent(lines[line])):
        message = "a tab; YAML indents with spaces"
    elif error.context:
        message = f"{message} ({error.context})"
    return InputError([Problem(f"this is not YAML: {message}", Place(path, line + 1, column + 1))])


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _unreadable(path: Path, text: str, error: yaml.reader.ReaderError) -> InputError:
    """Name a character that YAML does not allow; `position` counts bytes."""
    before = text.encode()[: error.position].decode(errors="ignore")
    place = Place(path, before.count("\n") + 1, len(before) - before.rfind("\n"))
    message = f"this is not YAML: the character #x{error.character:02x} is not allowed in text"
    return InputError([Problem(message, place)])
