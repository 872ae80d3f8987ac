"""Releases and what hosts came to serve, on each database."""

from __future__ import annotations

from datetime import timedelta

from edgectl.engine.service_records import Claim, EngineStart, ReleaseRecord, ServiceChange, Turn
from edgectl.store.services import SqlServiceHistory
from tests.contract.stores import Store
from tests.fakes.clock import START


def a_change(host: str, release: str, turn: Turn = Turn.LIVE, minutes: int = 0) -> ServiceChange:
    at = START + timedelta(minutes=minutes)
    return ServiceChange("chat", host, release, turn, at, "edge from büro", "r-new", "R1", "ü", ("0", "3"))


def test_the_latest_change_is_what_a_host_serves_and_none_is_forgotten(store: Store) -> None:
    kept = SqlServiceHistory(store.engine())
    first = [a_change("n1", "r-1"), a_change("n2", "r-1")]
    kept.record(first)
    kept.record([a_change("n1", "r-1", Turn.FAILED, 5)])

    again = SqlServiceHistory(store.engine())
    assert again.serving() == [a_change("n1", "r-1", Turn.FAILED, 5), first[1]]
    assert again.serving("embed") == []
    assert again.changes("chat") == [*first, a_change("n1", "r-1", Turn.FAILED, 5)]
    assert again.changes("chat", ["n2"]) == first[1:]


def test_a_release_on_record_stays_as_it_is(store: Store) -> None:
    kept = SqlServiceHistory(store.engine())
    first = ReleaseRecord("r-1", "chat", START, "a", {"model": "ü"}, Claim(2, 0.9, "1g.24gb", 5_000_000_000))
    kept.keep_release(first)
    kept.keep_release(ReleaseRecord("r-1", "chat", START + timedelta(hours=1), "b"))
    kept.keep_release(ReleaseRecord("r-2", "chat", START + timedelta(hours=2), "b"))

    assert [one.release for one in kept.releases("chat")] == ["r-1", "r-2"]
    assert kept.releases("chat")[0] == first
    assert kept.releases("embed") == []


def test_what_engines_took_is_told_newest_first(store: Store) -> None:
    kept = SqlServiceHistory(store.engine())
    starts = [EngineStart("m", "e", "l4", f"n{n}", START, activation_bytes=n * 2**33) for n in range(3)]
    kept.keep_starts([*starts, EngineStart("m", "other", "l4", "n9", START)])

    assert kept.starts("m", "e") == starts[::-1]
