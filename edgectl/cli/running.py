"""What the commands that run on hosts share: services, with the observers that the output format wants."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from edgectl.cli.options import Common
from edgectl.clock import SystemClock
from edgectl.engine.events import RunEnded, RunEvent, RunStarted
from edgectl.engine.ports import Observer
from edgectl.engine.records import Manifest
from edgectl.errors import DetachedError
from edgectl.ops.services import Services
from edgectl.output.formats import Format
from edgectl.output.progress import Progress
from edgectl.output.stream import EventStream
from edgectl.output.table import console_on, render_lines
from edgectl.report import Line
from edgectl.wiring.local import open_local_services
from edgectl.wiring.services import open_services


def show(common: Common, lines: Sequence[Line]) -> None:
    """Tell a person something before the report, on stderr."""
    render_lines(lines, sys.stderr, color=common.has_color(sys.stderr))


@contextmanager
def services(common: Common, label: str = "") -> Iterator[Services]:
    """Yield services whose progress goes to stderr, and whose events go to stdout with `-o jsonl`.

    Whoever interrupts twice leaves the run that is under way, and is told how to come back to it.
    """
    current = _CurrentRun()
    observers = [current, *_observers(common, label)]
    try:
        with open_services(common.settings(), observers, common.origin(), common.resume) as opened:
            yield opened
    except KeyboardInterrupt:
        if not current.run:
            raise
        hint = f"edgectl runs attach {current.run}"
        raise DetachedError("detached; what runs at the hosts goes on", hint=hint) from None


class _CurrentRun:
    """An observer that knows the run under way, if its work at the hosts goes on without us."""

    def __init__(self) -> None:
        self.run = ""

    def on_event(self, event: RunEvent) -> None:
        match event:
            case RunStarted(manifest=Manifest(journaled=True)):
                self.run = event.run
            case RunEnded():
                self.run = ""
            case _:
                pass


@contextmanager
def local_services(common: Common) -> Iterator[Services]:
    """Yield the same over this machine alone, for what runs here."""
    with open_local_services(common.settings(), _observers(common, "")) as opened:
        yield opened


@contextmanager
def one_server(common: Common, url: str | None) -> Iterator[Services]:
    """Yield the services to measure one server with: those of this machine where it is a URL, else the fleet's."""
    with local_services(common) if url is not None else services(common) as opened:
        yield opened


def _observers(common: Common, label: str) -> list[Observer]:
    console = console_on(sys.stderr, color=common.has_color(sys.stderr))
    observers: list[Observer] = [Progress(console, SystemClock().monotonic, label=label)]
    if common.output is Format.JSONL:
        observers.append(EventStream(sys.stdout))
    return observers
