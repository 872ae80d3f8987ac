"""`-e`: key=value words, inline YAML or JSON, or @file; later ones win."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgectl.errors import UsageError
from edgectl.remote.args import ArgumentError, words
from edgectl.yaml_source import load, parse


def parse_extra_vars(given: Sequence[str]) -> dict[str, Any]:
    """Return the variables, or raise `UsageError` naming the one that cannot be meant."""
    found: dict[str, Any] = {}
    for text in given:
        found.update(_one(text))
    return found


def _one(text: str) -> dict[str, Any]:
    if text.startswith("@"):
        value = load(Path(text[1:])).value
    elif text.lstrip().startswith("{"):
        value = parse(text, Path("--extra-vars")).value
    else:
        try:
            return dict(words(text))
        except (ArgumentError, ValueError) as error:
            raise UsageError(f"--extra-vars '{text}': {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"--extra-vars '{text}' is not a mapping of variables")
    return value
