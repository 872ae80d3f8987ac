"""What is on record of a host behind a look, how long it is waited for, and who is begun first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from edgectl.engine.contacts import (
    CEILING_S,
    FLOOR_S,
    KEPT_LOOKS,
    Contact,
    Look,
    Reach,
    after,
    connect_limit_s,
    expected_s,
    quantile,
    slowest_first,
)
from tests.fakes.clock import START

LATER = START + timedelta(hours=1)


def _contact(reach: Reach = Reach.UP, tcp_s: Sequence[float] = (), seconds: Sequence[float] = ()) -> Contact:
    return Contact("n1", reach, START, START, "", tcp_s, seconds)


def test_the_first_look_begins_a_record() -> None:
    found = after(None, Look("n1", Reach.UP, tcp_s=0.04, login_s=0.2, seconds=0.5), START)

    assert found == Contact("n1", Reach.UP, START, START, "", (0.04,), (0.5,))


SINCE = [
    (Reach.UP, Reach.UP, START, LATER),
    (Reach.UP, Reach.DOWN, LATER, START),
    (Reach.DOWN, Reach.DOWN, START, START),
    (Reach.DOWN, Reach.UP, LATER, LATER),
    (Reach.DOWN, Reach.REFUSED_KEY, LATER, START),
]


@pytest.mark.parametrize(("before", "now", "since", "answered"), SINCE)
def test_since_when_a_host_is_as_it_is_survives_looks_that_find_the_same(
    before: Reach, now: Reach, since: object, answered: object
) -> None:
    found = after(_contact(before), Look("n1", now, "why"), LATER)

    assert (found.since, found.answered, found.reason) == (since, answered, "why")


def test_a_host_that_never_answered_has_no_time_at_which_it_did() -> None:
    assert after(None, Look("n1", Reach.DOWN, "refused"), START).answered is None


def test_only_the_latest_looks_are_kept_and_a_failed_one_takes_no_time_away() -> None:
    contact: Contact | None = None
    for number in range(KEPT_LOOKS + 8):
        contact = after(contact, Look("n1", Reach.UP, tcp_s=number / 10, seconds=number), START)
    assert contact is not None
    assert len(contact.tcp_s) == KEPT_LOOKS
    assert contact.tcp_s[-1] == (KEPT_LOOKS + 7) / 10

    down = after(contact, Look("n1", Reach.DOWN, "no answer", seconds=24.0), LATER)
    assert (down.tcp_s, down.seconds) == (contact.tcp_s, contact.seconds)


LIMITS = [
    ((), None),
    ((0.04,) * 4, None),
    ((0.04,) * 5, FLOOR_S),
    ((0.5,) * 5, 3.0),
    ((0.04,) * 31 + (7.0,), FLOOR_S),
    ((0.04,) * 29 + (1.5,) * 3, 7.0),
    ((3.0,) * 32, CEILING_S),
]


@pytest.mark.parametrize(("tcp_s", "limit_s"), LIMITS)
def test_a_host_is_waited_for_by_its_own_history_between_a_floor_and_the_default(
    tcp_s: Sequence[float], limit_s: float | None
) -> None:
    assert connect_limit_s(_contact(tcp_s=tcp_s)) == limit_s


def test_a_host_without_a_record_is_waited_for_as_ever() -> None:
    assert connect_limit_s(None) is None
    assert expected_s(None) == 0


def test_who_was_down_is_begun_first_then_the_slow_and_equal_ones_as_given() -> None:
    contacts = {
        "slow": _contact(seconds=(2.0, 3.0, 9.0)),
        "down": _contact(Reach.DOWN, seconds=(0.1,)),
        "fast": _contact(seconds=(0.2,)),
        "key": _contact(Reach.REFUSED_KEY),
    }

    order = slowest_first(["new1", "fast", "key", "slow", "new2", "down"], contacts)

    assert order == ["down", "slow", "fast", "new1", "key", "new2"]


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.95, 4), (0.25, 1), (0.0, 1), (1.0, 4)])
def test_a_quantile_is_a_value_that_was_there(share: float, value: float) -> None:
    assert quantile([4, 1, 3, 2], share) == value
