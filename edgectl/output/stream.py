"""`-o jsonl`: one event per line while it happens."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import IO, Any

from edgectl.engine.events import HostEnded, HostSaid, RunEnded, RunEvent, RunStarted
from edgectl.remote.protocol import Heartbeat


class EventStream:
    """An observer that writes each event as JSON; the report is the last line, and not its business."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def on_event(self, event: RunEvent) -> None:
        """Write one line."""
        line = _line(event)
        if line is not None:
            self._stream.write(json.dumps(line, default=str, ensure_ascii=False) + "\n")
            self._stream.flush()


def _line(event: RunEvent) -> dict[str, Any] | None:
    match event:
        case HostSaid(message=Heartbeat(seq=0)) | RunEnded():
            return None
        case HostSaid():
            return {"type": type(event.message).__name__, "host": event.host, **event.message._asdict()}
        case RunStarted():  # without its manifest, which says all of every job
            said = ("run", "command", "hosts", "at", "started_by", "arguments")
            return {"type": "RunStarted"} | {name: getattr(event, name) for name in said}
        case HostEnded():
            ended = event.outcome
            fields = ("host", "pop", "reason", "failed_task", "seconds")
            return {"type": "HostEnded", "status": ended.status.value} | {
                name: getattr(ended, name) for name in fields
            }
        case _:
            return {"type": type(event).__name__, **asdict(event)}
