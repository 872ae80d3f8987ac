"""A worker whose controller is not heard of any more."""

from __future__ import annotations

import threading

import pytest

from edgectl.pools import dask_worker
from edgectl.pools.dask_worker import BEAT, STOP
from edgectl.pools.shift import Asked, Heard, Shift, Word
from tests.fakes.clock import FakeClock
from tests.fakes.connector import FakeConnector

Order = bytes | Exception


class Orders:
    """The queue of one shift; what follows the last order is silence."""

    def __init__(self, *orders: Order) -> None:
        self._orders = [*orders, TimeoutError()]

    def get(self, timeout: float) -> bytes:
        assert timeout > 0
        order = self._orders.pop(0)
        if isinstance(order, Exception):
            raise order
        return order


def served(*orders: Order) -> list[Word]:
    """Return what a shift says that hears these orders; it has ended by itself."""
    words: list[Word] = []
    clock = FakeClock()
    shift = Shift(FakeConnector(), clock, 2, words.append)
    thread = threading.Thread(target=dask_worker._take, args=(Orders(*orders), shift, clock))
    thread.start()
    shift.serve()
    thread.join()
    return words


@pytest.mark.parametrize(
    "orders", [(), (BEAT, BEAT), (BEAT, STOP), (OSError("gone"),)], ids=["silence", "beats", "stop", "gone"]
)
def test_a_shift_ends_with_its_controller(orders: tuple[Order, ...]) -> None:
    assert all(isinstance(word, Asked) for word in served(*orders))


def test_an_order_that_cannot_be_read_ends_the_shift_rather_than_losing_a_host() -> None:
    assert not any(isinstance(word, Heard) for word in served(b"no pickle"))
