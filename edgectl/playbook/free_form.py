"""A module's arguments in one line, as Ansible reads them: `key=value` words, and for a command the rest."""

from __future__ import annotations

import re
from collections.abc import Collection

# A word ends at a blank that is neither quoted nor inside a template.
_WORD = re.compile(
    r"""(?:"(?:\\.|[^"\\])*" | '[^']*' | \{\{.*?\}\} | \{%.*?%\} | \{\#.*?\#\} | \\. | \S)+""",
    re.DOTALL | re.VERBOSE,
)
_KEY_VALUE = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
# What Ansible takes out of the line of a command; all else with a `=` in it belongs to the command.
_OF_COMMANDS = frozenset(
    {"chdir", "creates", "executable", "removes", "stdin", "stdin_add_newline", "strip_empty_ends"}
)


def key_values(text: str) -> dict[str, str]:
    """Return the arguments of a module. Raises `ValueError` for a word that is no `key=value`."""
    found: dict[str, str] = {}
    for word in _WORD.findall(text):
        match = _KEY_VALUE.fullmatch(word)
        if match is None:
            raise ValueError(f"'{word}' is not of the form key=value")
        found[match[1]] = _unquoted(match[2])
    return found


def command_line(text: str, name: str, known: Collection[str]) -> dict[str, str]:
    """Return a command as the argument `name`, and beside it those of the `known` options it was mixed with."""
    found: dict[str, str] = {}
    rest, at = "", 0
    for word in _WORD.finditer(text):
        match = _KEY_VALUE.fullmatch(word[0])
        if match is not None and match[1] in _OF_COMMANDS and match[1] in known:
            found[match[1]] = _unquoted(match[2])
            rest += text[at : word.start()].rstrip()
            at = word.end()
    return {name: (rest + text[at:]).strip() if found else text, **found}


def first_word(text: str) -> str:
    """Return the first word of a command, without quotes around it; an empty text for an empty one."""
    found = _WORD.search(text)
    return _unquoted(found[0]) if found is not None else ""


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value
