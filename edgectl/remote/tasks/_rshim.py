"""A BlueField's rshim: an image goes into `boot`, and what the card says of it stands in `misc`."""

from __future__ import annotations

import os
import re
import threading
import time

from edgectl.remote.health.dpus import log_lines
from edgectl.remote.health.files import text
from edgectl.remote.lean import List, NamedTuple, Tuple

READY = ("Linux up", "DPU is ready")
# NVIDIA's installer ends with 0 after `NIC firmware update failed`; what the console says is the only proof.
_BAD = re.compile(r"^\s*(?:ERR|ASSERT)\w*\[|\b(?:fail(?:ed|ure)?|error|abort(?:ed)?)\b", re.IGNORECASE)
_BAD_STATUS = re.compile(r"\bcompleted, status (?!0\b)-?\w+")
_LOOK_S = 0.25
_CHUNK_BYTES = 64 * 1024


class Rshim(NamedTuple):
    """One card's files; `root` stands for `/`."""

    root: str
    name: str

    @property
    def boot(self) -> str:
        """What takes an image: opening it resets the card."""
        return f"{self.root}/dev/{self.name}/boot"

    def log(self) -> List[str]:
        """Return the card's messages, those that rshim still has."""
        return log_lines(text(f"{self.root}/dev/{self.name}/misc") or "")


def pushed(rshim: Rshim, parts: List[str], within_s: float) -> Tuple[List[str], str]:
    """Push files one behind the other; return what the console said since, and why it could not be waited for.

    The messages of the boot before may still be there, or the very same ones again: they are followed as they
    come, so that an old `DPU is ready` is no proof.
    """
    before, said = rshim.log(), []
    pusher = _Pusher(rshim.boot, parts)
    pusher.start()
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        now = rshim.log()
        said += newer(before, now)
        before = now
        if pusher.problem:
            return said, pusher.problem
        if pusher.done and is_ready(said):
            return said, ""
        time.sleep(_LOOK_S)
    wanted = f"it did not say {_missing(said)}" if pusher.done else "the image was not taken"
    bad = judged([*said, *READY])
    last = said[-1] if said else "nothing at all"
    return said, f"{wanted} within {within_s:g} s{'; ' + bad if bad else ''}; the last it said is: {last}"


def newer(before: List[str], now: List[str]) -> List[str]:
    """Return the lines of `now` that follow those of `before`, of which the oldest may be gone, or all."""
    for length in range(min(len(before), len(now)), 0, -1):
        if before[-length:] == now[:length]:
            return now[length:]
    return now


def is_ready(lines: List[str]) -> bool:
    """Tell whether the card came up, whatever else went wrong."""
    return not _missing(lines)


def judged(lines: List[str]) -> str:
    """Return what went wrong by the console's words, or an empty text."""
    bad = [line.strip() for line in lines if _BAD.search(line) or _BAD_STATUS.search(line)]
    if bad:
        return f"its console says: {'; '.join(dict.fromkeys(bad))}"
    return f"it did not say {_missing(lines)}" if _missing(lines) else ""


def _missing(lines: List[str]) -> str:
    return " and ".join(f"'{word}'" for word in READY if not any(word in line for line in lines))


class _Pusher(threading.Thread):
    """Writes the image beside whoever reads the console; a card that takes nothing holds it for ever, and only it."""

    def __init__(self, boot: str, parts: List[str]) -> None:
        super().__init__(daemon=True)
        self._boot = boot
        self._parts = parts
        self.done = False
        self.problem = ""

    def run(self) -> None:
        """Write all parts, and say so."""
        try:
            boot = os.open(self._boot, os.O_WRONLY)
            try:
                for part in self._parts:
                    _copy(part, boot)
            finally:
                os.close(boot)
            self.done = True
        except OSError as error:
            self.problem = f"the image could not be pushed: {str(error.strerror).lower()}"


def _copy(part: str, boot: int) -> None:
    with open(part, "rb") as stream:
        for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b""):
            left = chunk
            while left:
                left = left[os.write(boot, left) :]
