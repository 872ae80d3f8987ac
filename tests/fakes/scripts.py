"""Connectors that a worker process can make for itself, by name."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tests.fakes.connector import HELLO, REFUSED, FakeConnector, Visit, whole
from tests.fakes.fast_clock import FastClock
from tests.fakes.working import WorkingHosts


class Panic(BaseException):
    """What a Rust extension raises: no Exception."""


def all_well() -> FakeConnector:
    return FakeConnector()


def n3_refuses() -> FakeConnector:
    return FakeConnector({"n3": (REFUSED,)})


def two_bugs() -> FakeConnector:
    script: dict[str, Sequence[Visit]] = {
        "n1": (Panic("oops"),),
        "n2": ([HELLO, Panic("oops")],),
        "n0": (whole(),),
    }
    return FakeConnector(script)


def never_done() -> WorkingHosts:
    return WorkingHosts(FastClock(50), lambda _hosts: False)


def broken() -> FakeConnector:
    raise RuntimeError("no connector today")


def broken_but_once(folder: Path) -> FakeConnector:
    """Return a connector to whoever comes first; whoever comes later fails once a host has begun."""
    try:
        (folder / "taken").mkdir()
    except FileExistsError:
        while not (folder / "begun").exists():
            time.sleep(0.01)  # noqa: TID251 - in a process of its own
        raise
    return FakeConnector()
