"""Prompts and traces from files, in the forms that other tools write. What they hold travels with the job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgectl.errors import InputError

# It goes to every host within the job, and stays in the journal there.
LIMIT_BYTES = 4 * 1024 * 1024
_MS = 1000
# Who speaks in ShareGPT's conversations, and in OpenAI's messages.
_HUMAN = ("human", "user")
_PROMPT_NAMES = ("prompt", "text", "question", "input", "instruction")
_TOKEN_NAMES = ("output_tokens", "max_tokens", "output_len", "output_length")


def read_prompts(path: Path) -> list[dict[str, Any]]:
    """Read prompts: JSON lines or a JSON list, of texts, {prompt}, {messages} or ShareGPT's {conversations}.

    Returns `Load.prompts`. The answers of a conversation are left out: the measured server gives its own. Raises
    `InputError`.
    """
    entries = [_prompt(entry, path, number) for number, entry in enumerate(_entries(path), 1)]
    return [entry for entry in entries if entry["turns"]]


def read_trace(path: Path) -> list[list[float]]:
    """Read a trace: JSON lines of {timestamp, input_length, output_length}, or a CSV with a header of such names.

    Timestamps are seconds or dates, and ms where entries have `hash_ids`, as Mooncake's. Returns `Load.trace`, from
    0 s on, in order of time. Raises `InputError`.
    """
    rows = _rows(path) if path.suffix == ".csv" else _entries(path)
    found = [_arrival(row, path, number) for number, row in enumerate(rows, 1)]
    scale = _MS if "hash_ids" in rows[0] else 1
    first = min(at for at, _, _ in found)
    return sorted([(at - first) / scale, float(prompt), float(output)] for at, prompt, output in found)


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if len(raw) > LIMIT_BYTES:
        raise InputError(
            f"{path} is {len(raw):,} bytes, and {LIMIT_BYTES:,} may travel with a job: take a part of it"
        )
    return raw.decode("utf-8-sig", "replace")


def _entries(path: Path) -> list[Any]:
    """Return the values of a JSON list or of JSON lines, one at least."""
    text = _text(path)
    try:
        found = json.loads(text) if text.lstrip().startswith("[") else None
    except ValueError:
        found = None  # lines that are lists themselves
    if not isinstance(found, list):
        found = [
            _line(line, path, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()
        ]
    if not found:
        raise InputError(f"{path} is empty")
    return found


def _line(line: str, path: Path, number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise _wrong(path, number, f"this is no JSON: {error}") from None


def _wrong(path: Path, number: int, said: str) -> InputError:
    return InputError(f"{path}: entry {number}: {said}")


def _prompt(entry: Any, path: Path, number: int) -> dict[str, Any]:
    if isinstance(entry, str):
        return {"turns": [entry]}
    if not isinstance(entry, dict):
        raise _wrong(path, number, f"a text or an object is wanted, not {str(entry)[:60]}")
    tokens = next((entry[name] for name in _TOKEN_NAMES if isinstance(entry.get(name), int)), None)
    length = {} if tokens is None else {"output_tokens": tokens}
    if isinstance(entry.get("conversations"), list):
        return {"turns": _said_by_humans(entry["conversations"], "from", "value"), **length}
    if isinstance(entry.get("messages"), list):
        return {**_of_messages(entry["messages"], path, number), **length}
    text = next((entry[name] for name in _PROMPT_NAMES if isinstance(entry.get(name), str)), None)
    if text is None:
        raise _wrong(
            path, number, f"none of prompt, messages and conversations is in {', '.join(entry) or '{}'}"
        )
    return {"turns": [text], **length}


def _said_by_humans(entries: Sequence[Any], who: str, what: str) -> list[str]:
    return [
        str(entry.get(what, ""))
        for entry in entries
        if isinstance(entry, dict) and entry.get(who) in _HUMAN and entry.get(what)
    ]


def _of_messages(messages: Sequence[Any], path: Path, number: int) -> dict[str, Any]:
    """Return the user's turns; what a system message says goes before the first of them."""
    known = [
        message
        for message in messages
        if isinstance(message, dict) and isinstance(message.get("content"), str)
    ]
    if len(known) < len(messages):
        raise _wrong(path, number, "each message wants a role and a content of text")
    before = [
        {"role": str(message["role"]), "content": message["content"]}
        for message in known
        if message.get("role") in ("system", "developer")
    ]
    turns = _said_by_humans(known, "role", "content")
    return {"messages": before, "turns": turns} if before else {"turns": turns}


_TRACE_NAMES = (
    ("timestamp", "at_s", "arrival_time", "arrived_at"),
    ("input_length", "prompt_tokens", "input_tokens", "contexttokens", "prompt_len"),
    ("output_length", "output_tokens", "generatedtokens", "output_len"),
)


def _arrival(row: Any, path: Path, number: int) -> tuple[float, int, int]:
    if not isinstance(row, dict):
        raise _wrong(path, number, "an object with timestamp, input_length and output_length is wanted")
    lower = {str(name).lower(): value for name, value in row.items()}
    values = [_field(lower, names, path, number) for names in _TRACE_NAMES]
    return values[0], max(1, int(values[1])), max(1, int(values[2]))


def _field(row: Mapping[str, Any], names: Sequence[str], path: Path, number: int) -> float:
    value = next((row[name] for name in names if name in row), None)
    if value is None:
        raise _wrong(path, number, f"'{names[0]}' is missing")
    try:
        return float(value)
    except (TypeError, ValueError):
        return _moment(str(value), names[0], path, number)


def _moment(text: str, name: str, path: Path, number: int) -> float:
    """Read a timestamp of Azure's traces: a date, with more digits of the second than Python knows."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(text[:26]).timestamp()
    except ValueError:
        raise _wrong(path, number, f"'{name}' is no number: {text[:40]!r}") from None


def _rows(path: Path) -> list[dict[str, str]]:
    import csv

    rows = list(csv.DictReader(_text(path).splitlines()))
    if not rows:
        raise InputError(f"{path} is empty")
    return rows
