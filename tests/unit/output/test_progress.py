"""What a person sees while a run goes on."""

from __future__ import annotations

import io
import threading

import rich.console

from edgectl.engine.events import (
    HostDeferred,
    HostEnded,
    HostSaid,
    HostStarted,
    RunEnded,
    RunStarted,
    RunStopped,
    RunWaits,
    WaveStarted,
)
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.output.progress import Progress
from edgectl.remote.protocol import TaskEnded, TaskStarted
from tests.fakes.clock import START


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


def test_the_line_is_made_when_it_is_drawn_and_not_when_something_happens() -> None:
    clock = [0.0]
    progress = Progress(rich.console.Console(file=io.StringIO(), width=200), lambda: clock[0])
    progress.on_event(WaveStarted(1, 1, 2, canary=False))
    progress.on_event(HostStarted("n1"))
    clock[0] = 61.0

    assert "1:01   n1: connecting" in progress.__rich__().plain


def test_events_and_drawing_do_not_meet_on_a_terminal() -> None:
    stream = io.StringIO()
    console = rich.console.Console(file=stream, force_terminal=True, width=120, color_system=None)
    progress = Progress(console, lambda: 0.0, label="exec")
    progress.on_event(RunStarted("R1", "exec", [], START))
    progress.on_event(WaveStarted(1, 2, 3_000, canary=False))
    drawing = threading.Event()

    def draw() -> None:
        while not drawing.is_set():
            progress.__rich__()

    drawer = threading.Thread(target=draw)
    drawer.start()
    for number in range(3_000):
        progress.on_event(HostStarted(f"n{number}"))
        progress.on_event(HostSaid(f"n{number}", TaskStarted(1, "copy", 1)))
        progress.on_event(HostEnded(HostOutcome(f"n{number}", "p", HostStatus.OK)))
        if number % 500 == 0:
            progress.on_event(RunWaits("a soak", 3))
    drawing.set()
    drawer.join()
    progress.on_event(WaveStarted(2, 2, 1, canary=False))
    progress.on_event(RunEnded(RunOutcome("R1", (), 1.0), START))

    assert "3000/3000   ok 3000" in stream.getvalue()
    assert stream.getvalue().count("waiting 3 s: a soak") == 6


def test_a_message_without_news_leaves_what_a_host_is_doing() -> None:
    ended = HostSaid("n1", TaskEnded(1, "copy", "copy", "ok", 0.1, {}, seq=2))
    started = HostSaid("n1", TaskStarted(1, "copy", 1))

    assert "n1: copy" in _told(WaveStarted(1, 1, 1, canary=False), HostStarted("n1"), started, ended)[1]


def test_what_a_task_says_of_itself_is_shown_while_the_next_one_runs() -> None:
    said = {"said": "TTFT 30.5 ms, 7.3 req/s"}
    ended = HostSaid("n1", TaskEnded(1, "measure 1/5", "bench_load", "ok", 1.0, said))
    started = HostSaid("n1", TaskStarted(2, "measure 2/5", 2))

    assert _told(ended, started)[1].endswith("n1: measure 2/5 · TTFT 30.5 ms, 7.3 req/s")
    over = HostEnded(HostOutcome("n1", "fra1", HostStatus.OK))
    assert "TTFT" not in _told(ended, started, over, HostStarted("n1"))[1]
