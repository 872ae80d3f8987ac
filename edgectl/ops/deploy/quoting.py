"""Words as systemd's files want them: systemd.syntax(7), and the specifiers of systemd.unit(5)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"^[\w@+=:,./{}-]+$", re.ASCII)


def command_line(words: Iterable[str]) -> str:
    """Quote for ExecStart=, where systemd takes $ for a variable even inside quotes; `{release}` stays as it is."""
    return " ".join(word if _PLAIN.match(word) else text(word).replace("$", "$$") for word in words)


def text(value: str) -> str:
    """Quote with C escapes; % is a specifier."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return f'"{escaped}"'
