"""Stages of hosts, on each database."""

from __future__ import annotations

from datetime import timedelta

from edgectl.engine.lifecycle import Passage, Stage
from edgectl.store.lifecycles import SqlLifecycles
from tests.contract.stores import Store
from tests.fakes.clock import START


def a_passage(host: str, stage: Stage, minutes: int = 0, reason: str = "") -> Passage:
    return Passage(host, stage, START + timedelta(minutes=minutes), "edge from büro", reason, "R1")


def test_the_latest_passage_is_where_a_host_is_and_none_is_forgotten(store: Store) -> None:
    kept = SqlLifecycles(store.engine())
    way = [
        a_passage("n1", Stage.PROVISIONING),
        a_passage("n1", Stage.FAILED, 5, "driver: ü"),
        a_passage("n1", Stage.REPAIR, 9),
    ]
    for passage in way:
        assert kept.record([passage]) == []

    again = SqlLifecycles(store.engine())
    assert again.current(["n1", "n2"]) == {"n1": way[-1]}
    assert again.of("n1") == way


def test_what_may_not_follow_is_refused_and_the_rest_is_kept(store: Store) -> None:
    kept = SqlLifecycles(store.engine())
    kept.record([a_passage("n1", Stage.RETIRED), a_passage("n2", Stage.ACCEPTED)])
    late = [a_passage("n1", Stage.PROVISIONING, 1), a_passage("n2", Stage.IN_SERVICE, 1)]

    assert kept.record(late) == late[:1]
    assert {host: one.stage for host, one in kept.current(["n1", "n2"]).items()} == {
        "n1": Stage.RETIRED,
        "n2": Stage.IN_SERVICE,
    }


def test_coming_to_where_a_host_is_changes_nothing(store: Store) -> None:
    kept = SqlLifecycles(store.engine())
    kept.record([a_passage("n1", Stage.ACCEPTED)])

    assert kept.record([a_passage("n1", Stage.ACCEPTED, 60)]) == []
    assert kept.of("n1") == [a_passage("n1", Stage.ACCEPTED)]


def test_a_whole_fleet_is_kept_and_told(store: Store) -> None:
    kept = SqlLifecycles(store.engine())
    fleet = [a_passage(f"n{number}", Stage.PROVISIONING) for number in range(1_200)]
    kept.record(fleet)
    kept.record([a_passage(one.host, Stage.ACCEPTED, 1) for one in fleet])

    assert {one.stage for one in kept.current([one.host for one in fleet]).values()} == {Stage.ACCEPTED}
