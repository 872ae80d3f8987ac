"""The event stream: numbered, redacted, journaled first, then sent; and it outlives the line.

The first act of the runner is to keep a private copy of fd 1 and to point fd 1 at fd 2, so that no stray
print can get between two events.
"""

from __future__ import annotations

import os
import time

from edgectl.remote.journal import Journal
from edgectl.remote.lean import Any, Callable, Dict, Optional, import_module
from edgectl.remote.protocol import Message, TaskStarted, encode_message

# The fields that hold what modules and programs said. The others are the protocol's own words, which a
# secret such as "ok" or "1" must not change.
_FREE_TEXT = frozenset({"name", "result", "msg", "failed_task", "reason"})


class Line:
    """Our end of the connection. Once it breaks, sending becomes a no-op: work at the host goes on."""

    def __init__(self, fd: int, magic: str) -> None:
        self._fd = fd
        self._magic = magic
        self.broken = False

    def let_go(self) -> None:
        """Close our end, so that the connection does not outlast the process that speaks on it."""
        self.broken = True
        os.close(self._fd)

    def send(self, text: str) -> None:
        """Send one frame, whole, or find the line broken."""
        rest = memoryview(f"{self._magic} {text}\n".encode())
        try:
            while rest and not self.broken:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            self.broken = True


def take_stdout(magic: str) -> Line:
    """Keep fd 1 for events alone and point fd 1 at fd 2."""
    private = os.dup(1)
    os.set_inheritable(private, False)
    os.dup2(2, 1)
    return Line(private, magic)


class Emitter:
    """Sends messages; those that belong in the journal are written there first."""

    def __init__(
        self,
        line: Line,
        journal: Optional[Journal],
        secrets: Dict[str, str],
        on_task: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._line = line
        self._on_task = on_task
        self._journal = journal
        # Travels only with jobs that have secrets (ssh/loader.py).
        redaction = "edgectl.remote.redact"
        self._redact: Any = import_module(redaction).Redaction(secrets) if secrets else None
        self._seq = journal.last_seq if journal else 0

    def emit(self, message: Message, *, durable: bool = False) -> None:
        """Journal the message (fsynced if `durable`), then send it."""
        self._seq += 1
        written = self.redacted(message)._replace(seq=self._seq, at=round(time.time(), 3))
        text = encode_message(written)
        if self._journal is not None:
            self._journal.append(text, durable=durable)
        self._line.send(text)
        if isinstance(written, TaskStarted):
            self._on_task(written.name)

    def say(self, message: Message) -> None:
        """Send a message that the journal does not need."""
        self._line.send(encode_message(self.redacted(message)))

    def redacted(self, message: Message) -> Message:
        """Return the message without secrets."""
        if self._redact is None:
            return message
        free = {name: self._redact(value) for name, value in message._asdict().items() if name in _FREE_TEXT}
        return message._replace(**free)
