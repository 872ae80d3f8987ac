"""Live progress on stderr: one line per wave on a terminal, nothing under cron but what went wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import rich.console
import rich.live
import rich.text

from edgectl.engine.events import (
    HostAttached,
    HostConnected,
    HostDeferred,
    HostEnded,
    HostLost,
    HostSaid,
    HostStarted,
    RunEnded,
    RunEvent,
    RunStarted,
    RunStopped,
    RunWaits,
    WaveStarted,
)
from edgectl.engine.outcome import HostStatus
from edgectl.output.transfers import Transfers, rounded
from edgectl.remote.protocol import Heartbeat, Rebooting, TaskEnded, TaskStarted

_BAR_CELLS = 20
_REFRESH_PER_S = 8
# A task that is heard of and gets nowhere for so long is shown as such.
_STALLED_S = 30.0
_WELL = (HostStatus.OK, HostStatus.CHANGED)
_SHOWN = (
    HostStatus.CHANGED,
    HostStatus.OK,
    HostStatus.FAILED,
    HostStatus.UNREACHABLE,
    HostStatus.UNKNOWN,
    HostStatus.BUSY,
)


class Progress:
    """An observer that draws. Without a terminal it stays quiet: the report says it all.

    An event costs a note in a dictionary, however many hosts there are and however fast they speak; the line is made
    of it only when it is drawn, a few times a second, by the thread that draws.
    """

    def __init__(self, console: rich.console.Console, now: Callable[[], float], *, label: str = "") -> None:
        self._console = console
        self._now = now
        self._label = label
        self._live: rich.live.Live | None = None
        self._wave = WaveStarted(1, 1, 0, canary=False)
        self._began = now()
        self._doing: dict[str, str] = {}
        self._found: dict[str, str] = {}  # what a host's last task says of itself in a line
        self._ended: Counter[HostStatus] = Counter()
        self._deferred: set[str] = set()
        self._transfers = Transfers()
        # Between the thread of the events and the one that draws; nothing is printed under it, for that waits to draw.
        self._noting = threading.Lock()

    def on_event(self, event: RunEvent) -> None:
        """Take note; what is worth a line of its own is printed."""
        match event:
            case HostStarted() | HostSaid() | HostLost() | HostAttached():
                self._note_doing(event)
            case HostDeferred():
                with self._noting:
                    self._doing.pop(event.host, None)
                    self._deferred.add(event.host)
            case HostEnded():
                with self._noting:
                    self._deferred.discard(event.outcome.host)
                    self._doing.pop(event.outcome.host, None)
                    self._found.pop(event.outcome.host, None)
                    self._ended[event.outcome.status] += 1
                    self._transfers.ended(event.outcome.host, well=event.outcome.status in _WELL)
            case RunStarted():
                self._start(event)
            case WaveStarted():
                self._finish_wave()
                with self._noting:
                    self._wave, self._began, self._ended = event, self._now(), Counter()
            case RunWaits():
                self._console.print(f"waiting {rounded(event.seconds)}: {event.reason}", style="dim")
            case RunStopped():
                self._console.print(f"stopping: {event.reason}; running hosts finish", style="yellow")
            case RunEnded():
                self._stop()
            case HostConnected():
                pass

    def __rich__(self) -> rich.text.Text:
        """Return the line as it is now, and below it what travels."""
        with self._noting:
            text = self._text()
            for line in self._transfers.lines(self._now()):
                text.append(f"\n{line}")
        return text

    def _note_doing(self, event: _Doing) -> None:
        doing, found = _doing(event), _found(event)
        with self._noting:
            self._deferred.discard(event.host)
            self._note_transfer(event)
            if found:
                self._found[event.host] = found
            if doing or event.host not in self._doing:
                self._doing[event.host] = doing

    def _note_transfer(self, event: _Doing) -> None:
        match event:
            case HostStarted():
                self._transfers.started(event.host, event.pop)
            case HostSaid(message=Heartbeat() as beat) if beat.done or beat.total:
                self._transfers.moved(event.host, beat.done, beat.total, self._now())
            case _:
                pass

    def _start(self, event: RunStarted) -> None:
        self._transfers = Transfers()
        if self._console.is_terminal:
            self._live = rich.live.Live(
                self, console=self._console, refresh_per_second=_REFRESH_PER_S, transient=True
            )
            self._live.start()
            if self._label:
                self._console.print(f"run {event.run}", style="dim")

    def _finish_wave(self) -> None:
        """Leave the finished wave's line standing, where there is more than one."""
        if self._live is not None and self._ended and self._wave.of > 1:
            with self._noting:
                line = self._text()
            self._console.print(line)

    def _stop(self) -> None:
        self._finish_wave()
        if self._live is not None:
            self._live.update("")
            self._live.stop()
            self._live = None

    def _text(self) -> rich.text.Text:
        done = sum(self._ended.values())
        total = max(self._wave.hosts, done, 1)
        cells = round(_BAR_CELLS * done / total)
        name = "canary" if self._wave.canary else f"wave {self._wave.number}/{self._wave.of}"
        counts = "   ".join(f"{status} {self._ended[status]}" for status in _SHOWN if self._ended[status])
        if self._deferred:
            counts += f"   deferred {len(self._deferred)}"
        seconds = int(self._now() - self._began)
        bar = "█" * cells + "░" * (_BAR_CELLS - cells)
        line = f"{name}  {bar}  {done}/{total}   {counts}   {seconds // 60}:{seconds % 60:02d}"
        text = rich.text.Text(line, no_wrap=True, overflow="ellipsis")
        if self._doing:
            host, doing = next(iter(self._doing.items()))
            others = f" and {len(self._doing) - 1} more" if len(self._doing) > 1 else ""
            found = f" · {self._found[host]}" if host in self._found else ""
            text.append(f"   {host}: {doing}{others}{found}", style="dim")
        return text


_Doing = HostStarted | HostSaid | HostLost | HostAttached


def _found(event: _Doing) -> str:
    match event:
        case HostSaid(message=TaskEnded() as task):
            return str(task.result.get("said", ""))
        case _:
            return ""


def _doing(event: _Doing) -> str:
    match event:
        case HostStarted():
            return "connecting"
        case HostSaid(message=TaskStarted() as task):
            return task.name
        case HostSaid(message=Rebooting()):
            return "rebooting"
        case HostSaid(message=Heartbeat() as beat) if beat.idle_s >= _STALLED_S:
            return f"no progress for {beat.idle_s:.0f} s"
        case HostAttached():
            return "attached again"
        case HostLost():
            return f"line lost ({event.reason}), coming back"
        case _:
            return ""
