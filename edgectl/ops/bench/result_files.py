"""Results in files: our own reports, and those of other tools, as sides of a comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgectl.errors import InputError
from edgectl.ops.bench.imported import from_guidellm, from_vllm, is_guidellm, is_vllm
from edgectl.ops.bench.measured import read_measured
from edgectl.ops.bench.sides import joined, only, side_of_imported, side_of_measured
from edgectl.ops.bench.verdict import Side
from edgectl.report import SCHEMA


def is_files(words: str) -> bool:
    """Tell whether words name files: one that is there, or several with commas between."""
    paths = [word.partition("#")[0] for word in words.split(",")]
    return all(path.endswith(".json") or Path(path).is_file() for path in paths)


def sides_of_files(words: str) -> dict[str, Side]:
    """Return what files hold, by host or URL, "" where a file does not say; several files are repeats of one server.

    Of several in a file one may be named: `FILE#HOST` in a report of ours, `FILE#2` in one of guidellm's. Raises
    `InputError`.
    """
    parts = [_sides_of_file(word) for word in words.split(",")]
    if len(parts) == 1:
        return parts[0]
    singles = [_single(word, sides) for word, sides in zip(words.split(","), parts, strict=True)]
    return {"": joined(words, singles)}


def _sides_of_file(word: str) -> dict[str, Side]:
    path, _, number = word.partition("#")
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {str(error.strerror).lower()}") from None
    except ValueError as error:
        raise InputError(f"{path} is no JSON: {error}") from None
    try:
        if is_vllm(document):
            return {"": side_of_imported(path, from_vllm(document))}
        if is_guidellm(document):
            return {"": side_of_imported(word, from_guidellm(_chosen(path, number, document["benchmarks"])))}
        if isinstance(document, dict) and document.get("schema") == SCHEMA:
            return only(_sides_of_report(path, document), word, number)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is a result that lacks what is needed: {error!r}") from None
    raise InputError(
        f"{path} is no result that is known: a report of bench, of vllm bench serve or of guidellm"
    )


def _chosen(path: str, number: str, benchmarks: Sequence[Any]) -> Any:
    if not number and len(benchmarks) > 1:
        raise InputError(f"{path} holds {len(benchmarks)} benchmarks: name one, as {path}#1")
    if number and not (number.isdecimal() and 0 < int(number) <= len(benchmarks)):
        raise InputError(f"{path} holds {len(benchmarks)} benchmarks, and no #{number}")
    return benchmarks[int(number or 1) - 1]


def _sides_of_report(path: str, document: Mapping[str, Any]) -> dict[str, Side]:
    found = {host["host"]: host["data"] for host in document["hosts"]}
    data = document["data"]
    if "bench" in data:
        found[data.get("url", "")] = data
    sides = {
        subject: side_of_measured(
            f"{path} {subject}".strip(),
            [read_measured(subject, "", bench) for bench in held.get("repeats") or [held["bench"]]],
        )
        for subject, held in found.items()
        if "bench" in held
    }
    if not sides:
        raise InputError(f"{path} is a report in which nothing was measured")
    return sides


def _single(word: str, sides: Mapping[str, Side]) -> Side:
    if len(sides) != 1:
        raise InputError(f"{word} holds {len(sides)} servers; of several files each must hold one")
    return next(iter(sides.values()))
