"""How much of what hosts say is kept until the run's end, so that memory does not grow with what they say.

A host sends at most 64 KiB of each stream of each program, which is 1.1 GB where 4,400 hosts say that much twice. All
hosts of a run together keep `KEPT_BYTES` here; each has the same share of it, whoever ends first, so that equal
outputs stay equal and fold. The whole passes by while it happens (`-o jsonl`), and lies in a file at the host where
even that was shortened.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from edgectl.engine.outcome import HostOutcome, TaskRecord

KEPT_BYTES = 64 * 1024 * 1024
# Of each text at least so much is kept, as a person wants to see of it.
LEAST_BYTES = 1024

# How a host says that it left something out, and we after it: `remote.proc` writes the same with … and without the
# digest. One … in a text of plain letters would double its memory.
_GAP = re.compile(
    r"\n\[(?:…|\.\.\.) (?P<bytes>\d+) bytes left out(?P<digest>, sha256 [0-9a-f]{16})?"
    r"(?:; the whole of it: (?P<path>[^\n]*))? (?:…|\.\.\.)\]\n"
)
_DIGEST_CHARACTERS = 16


class Keeper:
    """Shortens outcomes of one run to each host's share, and keeps equal texts and names once.

    Every host's message brings names and values of its own: 34 kB of facts, 1.1 kB for a command of one line. Where
    they are equal they are shared, which leaves 11 kB and 0.3 kB of a host that is like the others.
    """

    def __init__(self, hosts: int) -> None:
        self.share_bytes = share_bytes(hosts)
        self._known: dict[str, str] = {}

    def kept(self, outcome: HostOutcome) -> HostOutcome:
        """Return the outcome with its texts shortened to the host's share, where they are longer."""
        if not outcome.tasks:
            return outcome
        sizes = [sys.getsizeof(text) for task in outcome.tasks for text in _long_texts(task.result)]
        level = max(LEAST_BYTES, level_of(sizes, self.share_bytes))
        return replace(outcome, tasks=tuple(self._task(task, level) for task in outcome.tasks))

    def _task(self, task: TaskRecord, level: int) -> TaskRecord:
        name, module = self._once(task.name), self._once(task.module)
        return replace(task, name=name, module=module, result=self._with_texts(task.result, level))

    def _with_texts(self, value: Any, level: int) -> Any:
        match value:
            case str():
                return self._text(value, level)
            case dict():
                return {self._once(name): self._with_texts(inner, level) for name, inner in value.items()}
            case list():
                return [self._with_texts(inner, level) for inner in value]
            case _:
                return value

    def _text(self, text: str, level: int) -> str:
        return self._once(text if sys.getsizeof(text) <= LEAST_BYTES else shortened(text, level))

    def _once(self, text: str) -> str:
        return self._known.setdefault(text, text)


def share_bytes(hosts: int) -> int:
    """Return how much of its texts each of so many hosts keeps, in bytes of memory."""
    return max(LEAST_BYTES, KEPT_BYTES // max(hosts, 1))


def level_of(sizes: Sequence[int], room: int) -> int:
    """Return the size to which the longest of the texts have to come down so that all of them fit into `room`."""
    left = room
    for position, size in enumerate(ordered := sorted(sizes)):
        fair = left // (len(ordered) - position)
        if size > fair:
            return fair
        left -= size
    return max(sizes, default=room)


def shortened(text: str, limit_bytes: int) -> str:
    """Return the beginning and the end of a text that takes more memory than this, and how much is missing between.

    The digest in the gap tells texts apart that differ only in what was left out. Where the host left something
    out before, its file with the whole is still named.
    """
    if sys.getsizeof(text) <= limit_bytes:
        return text
    before = _GAP.search(text)
    body = text if before is None else text[: before.start()] + text[before.end() :]
    width = max(1, round(sys.getsizeof(body) / len(body)))
    half = min(limit_bytes // width, len(body)) // 2
    missing = len(_bytes(body[half:-half])) + (int(before["bytes"]) if before is not None else 0)
    digest = hashlib.sha256(_bytes(body)).hexdigest()[:_DIGEST_CHARACTERS]
    where = f"; the whole of it: {before['path']}" if before is not None and before["path"] else ""
    return f"{body[:half]}\n[... {missing} bytes left out, sha256 {digest}{where} ...]\n{body[-half:]}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def without_paths(text: str) -> str:
    """Return a text that is the same for all hosts that said the same: where each keeps the whole is left out."""
    if "bytes left out" not in text:
        return text
    return _GAP.sub(lambda gap: f"\n[... {gap['bytes']} bytes left out{gap['digest'] or ''} ...]\n", text)


def count_shortened(outcomes: Iterable[HostOutcome]) -> int:
    """Return of how many hosts a text was shortened here, to its share."""
    return sum(
        any(_is_shortened(text) for task in host.tasks for text in _texts(task.result)) for host in outcomes
    )


def _is_shortened(text: str) -> bool:
    return any(gap["digest"] for gap in _GAP.finditer(text)) if "bytes left out, sha256 " in text else False


def _long_texts(value: Any) -> Iterator[str]:
    return (text for text in _texts(value) if sys.getsizeof(text) > LEAST_BYTES)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
        case _:
            pass
