"""`-o jsonl`: each event is a line of its own, as it happens."""

from __future__ import annotations

import io
import json

from edgectl.engine.events import HostConnected, HostEnded, HostSaid, RunEvent
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.output.stream import EventStream
from edgectl.remote.protocol import Heartbeat, TaskEnded


def _lines(*events: RunEvent) -> list[dict[str, object]]:
    out = io.StringIO()
    stream = EventStream(out)
    for event in events:
        stream.on_event(event)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_login_is_a_line_with_its_times() -> None:
    (line,) = _lines(HostConnected("n1", 0.04, 0.2, None))

    assert line == {"type": "HostConnected", "host": "n1", "tcp_s": 0.04, "login_s": 0.2, "rtt_s": None}


def test_what_a_host_prints_is_streamed_whole_however_long_it_is() -> None:
    text = "x\n" * 32_000
    (line,) = _lines(HostSaid("n1", TaskEnded(1, "c", "shell", "ok", 0.1, {"stdout": text}, seq=2)))

    assert line["result"] == {"stdout": text}


def test_an_end_is_a_line_and_a_heartbeat_is_none() -> None:
    ended = HostEnded(HostOutcome("n1", "fra1", HostStatus.FAILED, "why", "c", 1.5))
    (line,) = _lines(HostSaid("n1", Heartbeat(1, 5.0)), ended)

    assert (line["type"], line["status"], line["reason"]) == ("HostEnded", "failed", "why")
