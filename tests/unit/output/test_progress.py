"""What a person sees while a run goes on."""

from __future__ import annotations

import io

import rich.console

from edgectl.engine.events import HostDeferred, HostEnded, HostStarted, RunStopped, RunWaits, WaveStarted
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.output.progress import Progress


def _told(*events: object) -> tuple[str, str]:
    """Return what stands above the line, and the line itself."""
    stream = io.StringIO()
    progress = Progress(rich.console.Console(file=stream, width=200), lambda: 0.0)
    for event in events:
        progress.on_event(event)  # type: ignore[arg-type]
    return stream.getvalue(), progress._text().plain


def test_hosts_that_are_tried_again_are_counted_until_they_are() -> None:
    away = HostDeferred("n1", HostStatus.UNREACHABLE, "refused", 30.0)
    wave = WaveStarted(1, 1, 2, canary=False)

    assert "deferred 1" in _told(wave, HostStarted("n1"), away)[1]
    assert "deferred" not in _told(wave, HostStarted("n1"), away, HostStarted("n1"))[1]
    ended = HostEnded(HostOutcome("n1", "fra1", HostStatus.UNREACHABLE))
    assert "deferred" not in _told(wave, HostStarted("n1"), away, ended)[1]


def test_a_wait_is_told_with_its_reason_and_how_long_it_is() -> None:
    assert _told(RunWaits("wave 1 soaks", 12.3))[0] == "waiting 13 s: wave 1 soaks\n"
    assert _told(RunWaits("wave 1 soaks", 300))[0] == "waiting 5 min: wave 1 soaks\n"
    assert _told(RunWaits("the window of fra1 opens", 26460))[0].startswith("waiting 7 h 21 min: ")


def test_a_stop_is_told_with_its_reason() -> None:
    assert _told(RunStopped("frozen"))[0] == "stopping: frozen; running hosts finish\n"
