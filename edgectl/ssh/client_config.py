"""The user's own ~/.ssh/config, as OpenSSH's clients read it."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import paramiko

_RUNS_PROGRAMS = re.compile(r"^\s*match\b.*\bexec\b", re.IGNORECASE | re.MULTILINE)


def client_config(path: Path) -> paramiko.SSHConfig:
    """Return what the file says; nothing where there is none."""
    if not path.exists():
        return paramiko.SSHConfig()
    text = path.read_text(encoding="utf-8", errors="replace")
    if _RUNS_PROGRAMS.search(text) and sys.modules.get("invoke", ...) is None:
        del sys.modules["invoke"]
        paramiko.config.invoke = importlib.import_module("invoke")  # type: ignore[attr-defined]  # theirs, unlisted
    return paramiko.SSHConfig.from_text(text)
