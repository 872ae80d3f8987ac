"""YAML as people write it: plain values, and for every value the file, line and column it came from.

The border of all YAML in edgectl. A file that is missing, empty, not UTF-8, too large, not YAML, has tabs,
duplicate keys or an alias bomb becomes an `InputError` with its place, before anything else happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from edgectl.errors import InputError, Place, Problem

SIZE_LIMIT_BYTES = 16 * 1024 * 1024
# A fleet of 20,000 listed hosts is about a million values; an alias bomb doubles that with every line.
VALUE_LIMIT = 4_000_000
DEPTH_LIMIT = 60
# A mapping with more keys than this is indexed.
_SCANNED = 32

_STRING = "tag:yaml.org,2002:str"
# A date is text to us, as it is on the host; so is YAML's own value tag "=".
_TEXT_TAGS = frozenset({_STRING, "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})
_COLLECTION_TAGS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_NUMBER_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null"))


_Child = tuple[yaml.Node, yaml.Mark]


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: `value` is plain dicts, lists and scalars; keys are always text."""

    path: Path
    value: Any
    root: yaml.Node
    _children: dict[int, dict[str, _Child]] = field(default_factory=dict, repr=False, compare=False)

    def place(self, steps: Sequence[str | int] = ()) -> Place:
        """Return where the value at `steps` was written: its key's place in a mapping, else its own.

        Steps that lead nowhere give the last place that exists, which is what a complaint about a missing
        key wants to name.
        """
        _, mark = self._follow(steps)
        return Place(self.path, mark.line + 1, mark.column + 1)

    def written(self, steps: Sequence[str | int]) -> str:
        """Return the scalar at `steps` as it stands in the file: `NO` where YAML understands false."""
        node, _ = self._follow(steps)
        return str(node.value) if isinstance(node, yaml.ScalarNode) else ""

    def _follow(self, steps: Sequence[str | int]) -> _Child:
        node, mark = self.root, self.root.start_mark
        for step in steps:
            found = self._child(node, step)
            if found is None:
                break
            node, mark = found
        return node, mark

    def _child(self, node: yaml.Node, step: str | int) -> _Child | None:
        """Look a step up; a long mapping is indexed at its first use, as a fleet's has thousands of keys."""
        if isinstance(node, yaml.MappingNode):
            if len(node.value) > _SCANNED:
                return self._indexed(node).get(str(step))
            return next(
                ((value, key.start_mark) for key, value in node.value if key.value == str(step)), None
            )
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
            item = node.value[step]
            return item, item.start_mark
        return None

    def _indexed(self, node: yaml.MappingNode) -> dict[str, _Child]:
        known = self._children.get(id(node))
        if known is None:
            known = {key.value: (value, key.start_mark) for key, value in reversed(node.value)}
            self._children[id(node)] = known
        return known


def load(path: Path) -> Document:
    """Read and parse one YAML file, or raise `InputError` naming `file:line:column`."""
    return parse(_read_text(path), path)


def parse(text: str, path: Path) -> Document:
    """Parse YAML text; `path` is what complaints name."""
    loader = yaml.CSafeLoader(text)
    try:
        _refuse_deep_nesting(text, path)
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _complaint(path, text, error) from None
    except yaml.reader.ReaderError as error:
        raise _unreadable(path, text, error) from None
    if root is None:
        message = "the file is empty; write at least one key, or remove the file"
        raise InputError([Problem(message, Place(path))])
    return Document(path, _Builder(path, loader).build(root, 0), root)


def written(value: Any, path: Path) -> Document:
    """Return plain data of our own as the document that a person might have written."""
    return parse(yaml.safe_dump(value, sort_keys=False), path)


def _refuse_deep_nesting(text: str, path: Path) -> None:
    """Count the levels by events first: composing 100,000 '[' overflows the C stack and kills the process."""
    loader = yaml.CSafeLoader(text)
    depth = 0
    while (event := loader.get_event()) is not None:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_LIMIT:
                mark = event.start_mark
                place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
                raise InputError([Problem(f"this is nested deeper than {DEPTH_LIMIT} levels", place)])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            limit = f"the file is larger than {SIZE_LIMIT_BYTES // 2**20} MiB; split it or name another"
            raise InputError([Problem(limit, Place(path))])
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError([Problem("there is no such file", Place(path))]) from None
    except OSError as error:
        raise InputError([Problem(f"cannot read: {error.strerror}", Place(path))]) from None
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


class _Builder:
    """Turns YAML nodes into plain values, and counts, because aliases can make a kilobyte a terabyte."""

    def __init__(self, path: Path, loader: yaml.CSafeLoader) -> None:
        self._path = path
        self._loader = loader
        self._values = 0

    def build(self, node: yaml.Node, depth: int) -> Any:
        self._values += 1
        if self._values > VALUE_LIMIT or depth > DEPTH_LIMIT:
            self._refuse(node, "aliases here unfold without end; write the values out")
        if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTION_TAGS:
            self._refuse(node, f"the tag '{node.tag}' is not supported; write a plain value")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        first: dict[str, yaml.Node] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged.update(self._merge(value_node, depth))
                continue
            key = self._key(key_node)
            if key in first:
                where = first[key].start_mark.line + 1
                self._refuse(key_node, f"the key '{key}' appears twice (first in line {where}); keep one")
            first[key] = key_node
            values[key] = self.build(value_node, depth + 1)
        return merged | values if merged else values

    def _merge(self, node: yaml.Node, depth: int) -> dict[str, Any]:
        """Unfold `<<`: one mapping, or a list of them of which the first wins."""
        built = self.build(node, depth + 1)
        parts = built if isinstance(built, list) else [built]
        merged: dict[str, Any] = {}
        for part in reversed(parts):
            if not isinstance(part, dict):
                self._refuse(node, "'<<' takes a mapping or a list of mappings")
            merged.update(part)
        return merged

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._refuse(node, "a key must be a plain word")
        return str(node.value)

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag in _TEXT_TAGS:
            return node.value
        if node.tag in _NUMBER_TAGS:
            try:
                return self._loader.construct_object(node)
            except ValueError:
                return node.value
        self._refuse(node, f"the tag '{node.tag}' is not supported; write a plain value")
        return None

    def _refuse(self, node: yaml.Node, message: str) -> None:
        mark = node.start_mark
        raise InputError([Problem(message, Place(self._path, mark.line + 1, mark.column + 1))])
