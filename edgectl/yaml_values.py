"""YAML's events → plain values and where each was written, in one pass; what would unfold without end is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import yaml

from edgectl.errors import InputError, Place, Problem

# A fleet of 20,000 listed hosts is about a million values; an alias bomb doubles that with every line.
VALUE_LIMIT = 4_000_000
DEPTH_LIMIT = 60

_ENDLESS = "aliases here unfold without end; write the values out"
_NO_KEY = "a key must be a plain word"
_STRING = "tag:yaml.org,2002:str"
# A date is text to us, as it is on the host; so is YAML's own value tag "=".
_TEXT_TAGS = frozenset({_STRING, "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})
_COLLECTION_TAGS = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_NUMBER_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null"))


# Where something stands (line and column, from 1) and what stands inside: the text of a scalar, the marks of a
# mapping's values by their keys, or those of a list's items.
Mark: TypeAlias = "tuple[int, int, Inside]"
Inside: TypeAlias = "str | dict[str, Mark] | list[Mark]"
Found = tuple[Any, Mark]


class Reader:
    """Builds plain values and their marks in one pass over YAML's events; libyaml's nodes cost three times as much.

    It counts, because aliases can make a kilobyte a terabyte, and composing 100,000 '[' would overflow the C stack.
    """

    def __init__(self, text: str, path: Path) -> None:
        self._path = path
        self._loader = yaml.CSafeLoader(text)
        self._next: Callable[[], Any] = self._loader.get_event
        self._resolved: Callable[..., str] = self._loader.resolve
        self._scalars: dict[str, Any] = {}  # what plain text stands for; a fleet says the same words often
        self._anchors: dict[str, Any] = {}  # what was found, or the mark of a collection that is still open
        self._values = 0

    def document(self) -> Found | None:
        """Return the only document there is, or None where there is none."""
        self._next()
        start = self._next()
        if type(start) is not yaml.DocumentStartEvent:
            return None
        found = self._read(self._next(), 0)
        self._next()
        end = self._next()
        if type(end) is not yaml.StreamEndEvent:
            begun: Any = start.start_mark
            message = "but found another document"
            raise yaml.MarkedYAMLError(
                "expected a single document in the stream", begun, message, end.start_mark
            )
        return found

    def _read(self, event: Any, depth: int) -> Found:
        """Return the value that begins with `event`, inside `depth` collections."""
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self._copied(*self._anchored(event), depth)
        self._values += 1
        if self._values > VALUE_LIMIT:
            self._refuse(event.start_mark, _ENDLESS)
        if event.anchor in self._anchors:
            self._refuse(event.start_mark, f"the anchor '&{event.anchor}' appears twice; rename one")
        if kind is yaml.ScalarEvent:
            mark = event.start_mark
            found = self._scalar(event), (mark.line + 1, mark.column + 1, event.value)
        else:
            self._open(event, depth)
            found = (
                self._mapping(event, depth) if kind is yaml.MappingStartEvent else self._list(event, depth)
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = found
        return found

    def _open(self, event: Any, depth: int) -> None:
        if depth >= DEPTH_LIMIT:
            self._refuse(event.start_mark, f"this is nested deeper than {DEPTH_LIMIT} levels")
        if event.tag not in _COLLECTION_TAGS:
            self._refuse(event.start_mark, f"the tag '{event.tag}' is not supported; write a plain value")
        if event.anchor is not None:
            self._anchors[event.anchor] = event.start_mark

    def _mapping(self, start: Any, depth: int) -> Found:
        values: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        inside: dict[str, Mark] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            key, line, column = self._key(event)
            if key == "<<" and _is_merge(event):
                merged.update(self._merge(self._next(), depth + 1))
                continue
            if key in values:
                message = f"the key '{key}' appears twice (first in line {inside[key][0]}); keep one"
                self._refuse(event.start_mark, message)
            values[key], mark = self._read(self._next(), depth + 1)
            inside[key] = line, column, mark[2]
        line, column = start.start_mark.line + 1, start.start_mark.column + 1
        return merged | values if merged else values, (line, column, inside)

    def _list(self, start: Any, depth: int) -> Found:
        values: list[Any] = []
        inside: list[Mark] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            value, mark = self._read(event, depth + 1)
            values.append(value)
            inside.append(mark)
        return values, (start.start_mark.line + 1, start.start_mark.column + 1, inside)

    def _key(self, event: Any) -> tuple[str, int, int]:
        """Return a key as it was written, and its line and column."""
        if type(event) is yaml.ScalarEvent:
            mark: Any = event.start_mark
            if event.anchor is not None:
                self._read(event, 0)
            return event.value, mark.line + 1, mark.column + 1
        if type(event) is yaml.AliasEvent:
            _, (line, column, inside) = self._anchored(event)
        else:
            line, column, inside = event.start_mark.line + 1, event.start_mark.column + 1, None
        if not isinstance(inside, str):
            self._refuse_at(line, column, _NO_KEY)
        return inside, line, column

    def _merge(self, event: Any, depth: int) -> dict[str, Any]:
        """Unfold `<<`: one mapping, or a list of them of which the first wins."""
        found, (line, column, _) = self._read(event, depth)
        merged: dict[str, Any] = {}
        for part in reversed(found if isinstance(found, list) else [found]):
            if not isinstance(part, dict):
                self._refuse_at(line, column, "'<<' takes a mapping or a list of mappings")
            merged.update(part)
        return merged

    def _scalar(self, event: Any) -> Any:
        text = event.value
        if event.tag is not None and event.tag != "!":
            return self._tagged(event, event.tag)
        if not event.implicit[0]:  # it is in quotes
            return text
        if text not in self._scalars:
            tag = self._resolved(yaml.ScalarNode, text, event.implicit)
            self._scalars[text] = self._tagged(event, tag)
        return self._scalars[text]

    def _tagged(self, event: Any, tag: str) -> Any:
        if tag in _TEXT_TAGS:
            return event.value
        if tag not in _NUMBER_TAGS:
            self._refuse(event.start_mark, f"the tag '{tag}' is not supported; write a plain value")
        try:
            return self._loader.construct_object(yaml.ScalarNode(tag, event.value))
        except (ValueError, KeyError):
            return event.value

    def _anchored(self, event: Any) -> Found:
        """Return what an alias stands for."""
        if event.anchor not in self._anchors:
            raise yaml.MarkedYAMLError(None, None, "found undefined alias", event.start_mark)
        found = self._anchors[event.anchor]
        if not isinstance(found, tuple):
            self._refuse(found, _ENDLESS)
        return found[0], found[1]

    def _copied(self, value: Any, mark: Mark, depth: int) -> Found:
        """Write out what an alias stands for, as it counts, and as no two values may be one."""
        line, column, inside = mark
        self._values += 1
        if self._values > VALUE_LIMIT or depth > DEPTH_LIMIT:
            self._refuse_at(line, column, _ENDLESS)
        here = line, column, ""  # for what `<<` brought in, which stands elsewhere
        if isinstance(value, dict):
            marks = inside if isinstance(inside, dict) else {}
            items = [(key, self._copied(one, marks.get(key, here), depth + 1)) for key, one in value.items()]
            return {key: copy for key, (copy, _) in items}, mark
        if isinstance(value, list):
            its = inside if isinstance(inside, list) else [here] * len(value)
            pairs = zip(value, its, strict=True)
            return [self._copied(one, place, depth + 1)[0] for one, place in pairs], mark
        return value, mark

    def _refuse(self, mark: Any, message: str) -> NoReturn:
        self._refuse_at(mark.line + 1, mark.column + 1, message)

    def _refuse_at(self, line: int, column: int, message: str) -> NoReturn:
        raise InputError([Problem(message, Place(self._path, line, column))])


def _is_merge(event: Any) -> bool:
    """Tell whether a key is YAML's own `<<`, unquoted."""
    return type(event) is yaml.ScalarEvent and bool(event.implicit[0])
