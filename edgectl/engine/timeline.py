"""What happened to one host, in order, from the events of its runs; each of its journal's messages once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgectl.engine.events import HostAttached, HostEnded, HostLost, HostSaid, HostStarted
from edgectl.engine.records import Entry
from edgectl.remote.protocol import (
    Booted,
    ConfirmWanted,
    Hello,
    Message,
    Rebooting,
    TaskEnded,
    TaskRetried,
    TaskStarted,
)

Event = HostStarted | HostSaid | HostLost | HostAttached | HostEnded
_BOOT_CHARACTERS = 4


class Timeline:
    """Takes a host's events as they come, with the wall-clock time at which we heard of each."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self.entries = list(entries)
        self._seen = {(entry.job, entry.seq) for entry in entries if entry.seq}
        self._job = ""
        self._locks = False
        self._asked = ""
        self._boot_id = ""
        self._is_live = False  # we hear of everything as it happens

    def begin(self, job: str, *, locks: bool, asked: str = "") -> None:
        """Say which job what comes belongs to, whether it takes the host's lock, and why we are here again."""
        self._job, self._locks = job, locks
        self._asked = f"{asked}: " if asked else ""

    def note(self, event: Event, now: float) -> None:
        """Take an event."""
        match event:
            case HostStarted():
                self._add(Entry(now, "connecting", f"{self._asked}connecting"))
            case HostSaid():
                self._said(event.message, now)
            case HostLost():
                self._is_live = False
                self._add(Entry(now, "lost", f"line lost ({event.reason})"))
            case HostAttached():
                self._attached(event)
            case HostEnded():
                ended = event.outcome
                self._add(Entry(now, "end", ended.status.value.replace("_", " "), detail=ended.reason))

    def _said(self, message: Message, now: float) -> None:
        if message.seq and (self._job, message.seq) in self._seen:
            return
        if message.seq:
            self._seen.add((self._job, message.seq))
        if message.at and not self._is_live:
            now = message.at  # while we were away its own clock is all there is
        match message:
            case Hello():
                self._hello(message, now)
            case TaskStarted():
                self._took_the_lock()
            case TaskEnded():
                self._task(message, now)
            case _:
                self._aside(message, now)

    def _aside(self, message: Message, now: float) -> None:
        match message:
            case TaskRetried():
                said = f"attempt {message.attempt} failed"
                self._add(Entry(now, "retry", said, message.seq, detail=_first_line(message.msg)))
            case Rebooting():
                self._is_live = False
                self._add(Entry(now, "reboot", "going down for a reboot", message.seq))
            case Booted():
                self._boot_id = message.boot_id
                if not self.entries or self.entries[-1].kind != "reboot":
                    said = f"booted, boot {self._boot_id[:_BOOT_CHARACTERS]}…; the job goes on"
                    self._add(Entry(now, "boot", said, message.seq))
            case ConfirmWanted():
                said = f"wants a fresh login within {message.within_s:.0f} s to keep its change"
                self._add(Entry(now, "confirm", said, message.seq))
            case _:
                pass

    def _hello(self, message: Hello, now: float) -> None:
        self._boot_id = message.boot_id
        if message.resumed:
            self._is_live = False  # what follows is read from its journal
        began = self.entries[-1] if self.entries else None
        if began is None or began.kind != "connecting":
            return
        self._is_live = not message.resumed
        text = f"{self._asked}connected in {(now - began.at) * 1000:.0f} ms"
        text += ", came back to its job" if message.resumed else ""
        self.entries[-1] = replace(began, at=now, kind="connected", text=text)

    def _took_the_lock(self) -> None:
        last = self.entries[-1] if self.entries else None
        if self._locks and last is not None and last.kind == "connected" and self._is_live:
            self.entries[-1] = replace(last, text=f"{last.text}, took the lock")

    def _task(self, message: TaskEnded, now: float) -> None:
        detail = _first_line(message.result.get("msg", ""))
        if message.result.get("rebooted"):
            detail = f"back after {message.result.get('elapsed')} s, boot {self._boot_id[:_BOOT_CHARACTERS]}…"
            if self.entries and self.entries[-1].kind == "reboot":
                self.entries.pop()
        ended = Entry(now, "task", message.name, message.seq, status=message.status, detail=detail)
        self._add(replace(ended, seconds=message.seconds))

    def _attached(self, event: HostAttached) -> None:
        last = self.entries[-1] if self.entries else None
        if last is None or last.kind != "lost":
            return  # it came back from a reboot, which tells its own tale
        away = last.text.replace("line lost", f"line lost {event.away_s:.0f} s", 1)
        text = f"{away}, attached again at event {event.after}; nothing repeated"
        self.entries[-1] = replace(last, text=text)

    def _add(self, entry: Entry) -> None:
        self.entries.append(replace(entry, job=self._job))


def _first_line(text: object) -> str:
    return (str(text).splitlines() or [""])[0]
