"""Patterns: which hosts an operator means. Ansible's language, with `key=value` and folded ranges.

    all   fra1   fra1-r1   canary   fra*   ~^fra[12]-   metro=FRA   tier!=gold   fra1-r[1-4]-n[01,03-18]
    a:b   a,b    either            a:&b   both            a:!b   not

Whatever their position, unions count first, then `&`, then `!`; a pattern without a union starts from `all`.
Hosts of a PoP that is not live come in only by name (host, rack, PoP, range); `&` and `!` only narrow, so a
PoP's state does not matter to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from edgectl.errors import InputError
from edgectl.inventory.fold import unfold

# What key=value may name besides a label; a label cannot be called so.
KEYS = ("pop", "rack", "metro", "region", "country", "role", "hardware")


@dataclass(frozen=True, slots=True)
class All:
    """Every host of every live PoP."""


@dataclass(frozen=True, slots=True)
class Name:
    """A host, rack, PoP or group by its exact name."""

    name: str


@dataclass(frozen=True, slots=True)
class Range:
    """A folded name: `fra1-r[1-4]`."""

    text: str


@dataclass(frozen=True, slots=True)
class Glob:
    """A name with `*` or `?`; ranges may stand in it too."""

    text: str


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression, searched for in the names of hosts, racks, PoPs and groups."""

    text: str


@dataclass(frozen=True, slots=True)
class KeyValue:
    """`key=value` or `key!=value` on a host's attribute or label; the value may be a glob."""

    key: str
    value: str
    equal: bool


Term = All | Name | Range | Glob | Regex | KeyValue


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern, its terms in the order in which they count."""

    text: str
    unions: tuple[Term, ...]
    intersections: tuple[Term, ...]
    exclusions: tuple[Term, ...]


_KEY_VALUE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(!?=)(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_GLOB = re.compile(r"[A-Za-z0-9._*?-]*")
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_CLOSING = {"[": "]", "(": ")", "{": "}"}


def parse(text: str) -> Pattern:
    """Return the pattern's tree, or raise `InputError` saying which part cannot be meant."""
    unions: list[Term] = []
    intersections: list[Term] = []
    exclusions: list[Term] = []
    for part in _parts(text):
        if part.startswith("&"):
            intersections.append(_term(part[1:], text))
        elif part.startswith("!"):
            exclusions.append(_term(part[1:], text))
        else:
            unions.append(_term(part, text))
    return Pattern(text, tuple(unions) or (All(),), tuple(intersections), tuple(exclusions))


def _parts(text: str) -> Iterator[str]:
    """Split at ':' and ',' outside of brackets; in a regex, parentheses, braces and a backslash protect."""
    open_brackets: list[str] = []
    part = ""
    escaped = False
    for char in text + ":":
        is_regex = part.lstrip(" &!").startswith("~")
        if escaped or (is_regex and char == "\\"):
            escaped = not escaped
        elif open_brackets and char == open_brackets[-1]:
            open_brackets.pop()
        elif char == "[" or (is_regex and char in "({" and open_brackets[-1:] != ["]"]):
            open_brackets.append(_CLOSING[char])
        elif char in ":," and not open_brackets:
            yield part.strip()
            part = ""
            continue
        part += char
    if open_brackets:
        raise InputError(f"the pattern '{text}' lacks a '{open_brackets[-1]}'")


def _term(part: str, text: str) -> Term:
    try:
        return _parsed(part.strip())
    except ValueError as error:
        where = "" if part == text else f" in the pattern '{text}'"
        raise InputError(f"{error}{where}") from None


def _parsed(part: str) -> Term:
    if part == "all":
        return All()
    if part.startswith("~"):
        return Regex(_checked_regex(part[1:]))
    if found := _KEY_VALUE.fullmatch(part):
        return KeyValue(found[1], _checked_glob(found[3]), equal=found[2] == "=")
    if _NAME.fullmatch(part):
        return Name(part)
    _checked_glob(part)
    return Glob(part) if "*" in part or "?" in part else Range(part)


def _checked_regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"'~{text}' is not a regular expression: {error}") from None
    return text


def _checked_glob(text: str) -> str:
    if not text:
        raise ValueError("a part is empty; write a name between the separators")
    if not _GLOB.fullmatch(_BRACKETS.sub("", text)):
        raise ValueError(
            f"'{text}' is not a name, glob, range or key=value; a regular expression starts with ~"
        )
    unfold(text)
    return text
