"""What the commands that run on hosts share: services, with the observers that the output format wants."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from edgectl.cli.options import Common
from edgectl.clock import SystemClock
from edgectl.engine.ports import Observer
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
    """Yield services whose progress goes to stderr, and whose events go to stdout with `-o jsonl`."""
    with open_services(common.settings(), _observers(common, label)) as opened:
        yield opened


@contextmanager
def local_services(common: Common) -> Iterator[Services]:
    """Yield the same over this machine alone, for what runs here."""
    with open_local_services(common.settings(), _observers(common, "")) as opened:
        yield opened


def _observers(common: Common, label: str) -> list[Observer]:
    console = console_on(sys.stderr, color=common.has_color(sys.stderr))
    observers: list[Observer] = [Progress(console, SystemClock().monotonic, label=label)]
    if common.output is Format.JSONL:
        observers.append(EventStream(sys.stdout))
    return observers
