"""Who may deploy a service, on each database."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from edgectl.engine.holds import Hold
from edgectl.engine.service_records import ServiceChange, Turn
from edgectl.errors import BusyError
from edgectl.store.holds import SqlHolds
from edgectl.store.services import SqlServiceHistory
from tests.contract.stores import Store
from tests.fakes.clock import START


def wanted(key: str, minutes: int = 0, service: str = "chat") -> Hold:
    since = START + timedelta(minutes=minutes)
    return Hold(service, key, f"{key} from büro", "edgectl deploy apply", since, since + timedelta(minutes=2))


def test_the_second_is_told_who_holds_it_and_another_service_is_free(store: Store) -> None:
    first = SqlHolds(store.engine()).take(wanted("A"))
    other = SqlHolds(store.engine())

    assert first.key == "A"
    assert other.take(wanted("B", 1)) == first
    assert other.take(wanted("B", 1, "embed")).key == "B"
    assert [hold.service for hold in other.in_force(START + timedelta(minutes=1))] == ["chat", "embed"]


def test_of_many_at_once_one_gets_it(store: Store) -> None:
    many = [SqlHolds(store.engine()) for _ in range(6)]
    gate, got = threading.Barrier(len(many)), []

    def take(holds: SqlHolds, key: str) -> None:
        gate.wait()
        got.append(holds.take(wanted(key)).key == key)

    threads = [threading.Thread(target=take, args=(holds, str(n))) for n, holds in enumerate(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(got) == [False] * (len(many) - 1) + [True]


def test_a_hold_given_back_or_over_goes_to_the_next_with_a_greater_token(store: Store) -> None:
    holds = SqlHolds(store.engine())
    first = holds.take(wanted("A"))
    holds.give_back(first)
    second = holds.take(wanted("B"))
    third = holds.take(wanted("C", 3))

    assert [hold.key for hold in (second, third)] == ["B", "C"]
    assert first.token < second.token < third.token
    assert not holds.renew(second)
    holds.give_back(second)
    assert holds.take(wanted("D", 4)) == third


def test_a_hold_lasts_as_long_as_it_is_renewed(store: Store) -> None:
    holds = SqlHolds(store.engine())
    first = holds.take(wanted("A"))

    assert holds.renew(replace(first, until=START + timedelta(minutes=9)))
    assert holds.take(wanted("B", 8)).key == "A"


def test_whoever_continues_the_run_comes_in_and_the_one_before_is_out(store: Store) -> None:
    holds = SqlHolds(store.engine())
    first = holds.take(wanted("A"))
    assert holds.renew(replace(first, key="RUN"))
    again = holds.take(wanted("RUN", 1))

    assert (again.key, again.since) == ("RUN", first.since)
    assert again.token > first.token
    assert not holds.renew(first)


def test_one_whose_process_was_killed_on_this_machine_need_not_be_waited_for(store: Store) -> None:
    program = (
        "import os, sys; sys.path.insert(0, os.getcwd())\n"
        "from edgectl.store.database import open_database\n"
        "from tests.contract.test_store_holds import wanted, SqlHolds\n"
        "assert SqlHolds(open_database(sys.argv[1])).take(wanted('dead')).key == 'dead'\n"
        "os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", program, store.url], check=False)

    assert done.returncode == 9
    assert SqlHolds(store.engine()).take(wanted("B", 1)).key == "B"


def test_what_was_done_under_a_hold_that_is_over_is_refused(store: Store) -> None:
    engine = store.engine()
    holds, history = SqlHolds(engine), SqlServiceHistory(engine)
    change = ServiceChange("chat", "n1", "r-1", Turn.LIVE, START, "a")
    first = holds.take(wanted("A"))
    history.record([change], first)
    holds.take(wanted("B", 3))

    with pytest.raises(BusyError, match="taken over"):
        history.record([replace(change, release="r-2")], first)
    assert [one.release for one in history.serving("chat")] == ["r-1"]
