"""Connectors that a worker process can make for itself, by name."""

from __future__ import annotations

from collections.abc import Sequence

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
