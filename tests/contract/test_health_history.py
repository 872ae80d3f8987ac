"""The fleet's health on record: one suite for each database, and for the fake that other tests use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import (
    CardPlace,
    CardRecord,
    Forgotten,
    HealthChange,
    HealthHistory,
    HealthKept,
    HealthState,
    Phase,
    Snooze,
    Turn,
    WeekRecord,
)
from edgectl.errors import MissingError
from edgectl.store.database import open_database
from edgectl.store.health import SqlHealthHistory
from edgectl.store.tables import health_changes, health_states
from tests.contract.stores import Store
from tests.fakes import postgres as postgres_cluster
from tests.fakes.clock import START
from tests.fakes.health_history import MemoryHealthHistory

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CARD = CardRecord(
    "GPU-a", "1650", "RTX", "fra1-n01", "00000000:41:00.0", START, START + HOUR, "7fbc", "580", b"\x01\x00\xff"
)  # fmt: skip
OTHER = replace(CARD, card="GPU-b", host="fra1-n02", serial="ü")
STATE = HealthState(
    "GPU-a", "pcie-width", "fra1-n01", "0", Severity.WARNING, Phase.ACTIVE, START, START, 2**32 - 1
)
CHANGE = HealthChange(START, "fra1-n01", "GPU-a", "0", "gpu-lost", Severity.CRITICAL, Turn.ENTERED, "found ü")


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HealthHistory]:
    if request.param == "memory":
        yield MemoryHealthHistory()
        return
    url = f"sqlite:///{tmp_path}/state.db"
    if request.param == "postgresql":
        url = postgres_cluster.new_schema(request.getfixturevalue("postgres"))
    engine = open_database(url)
    yield SqlHealthHistory(engine)
    engine.dispose()


def test_nothing_is_known_of_a_host_that_nobody_looked_at(history: HealthHistory) -> None:
    past = history.past(["fra1-n01"])

    assert (past.cards, past.states) == ({}, {})
    assert history.weeks(["GPU-a"], 0, 10**6) == {}


def test_cards_and_states_are_read_back_by_host_as_they_were(history: HealthHistory) -> None:
    history.keep(HealthKept(cards=[CARD, OTHER], states=[STATE]))

    past = history.past(["fra1-n01", "gru1-n01"])
    assert past.cards == {"fra1-n01": [CARD]}
    assert past.states == {"fra1-n01": [STATE]}


def test_a_card_is_found_wherever_it_is(history: HealthHistory) -> None:
    history.keep(HealthKept(cards=[CARD, OTHER], states=[STATE]))

    past = history.of_cards(["GPU-a", "GPU-z"])
    assert past.cards == {"fra1-n01": [CARD]}
    assert past.states == {"fra1-n01": [STATE]}


def test_a_card_that_moved_is_at_its_new_host_alone(history: HealthHistory) -> None:
    history.keep(HealthKept(cards=[CARD], places=[CardPlace("GPU-a", START, CARD.host, CARD.slot)]))
    there = replace(CARD, host="gru1-n01", since=START + DAY)
    place = CardPlace("GPU-a", START + DAY, there.host, there.slot)
    history.keep(HealthKept(cards=[there], places=[place]))

    assert history.past(["fra1-n01", "gru1-n01"]).cards == {"gru1-n01": [there]}
    assert [one.host for one in history.places(["GPU-a"])] == ["gru1-n01", "fra1-n01"]


def test_a_state_is_written_over_and_goes_when_it_is_worth_no_row(history: HealthHistory) -> None:
    history.keep(HealthKept(states=[STATE, replace(STATE, finding="temperature")]))
    later = replace(STATE, phase=Phase.CLEARED, looks=2)
    history.keep(HealthKept(states=[later], gone=[("GPU-a", "temperature"), ("GPU-z", "never")]))

    assert history.past(["fra1-n01"]).states == {"fra1-n01": [later]}


def test_weeks_are_read_for_the_cards_and_the_weeks_asked_for(history: HealthHistory) -> None:
    weeks = [
        WeekRecord(card, week, bytes([week])) for card in ("GPU-a", "GPU-b", "GPU-c") for week in range(9)
    ]
    history.keep(HealthKept(weeks=weeks))
    history.keep(HealthKept(weeks=[WeekRecord("GPU-a", 5, b"more")]))

    found = history.weeks(["GPU-a", "GPU-c"], 5, 6)
    assert {card: [(one.week, one.days) for one in rows] for card, rows in found.items()} == {
        "GPU-a": [(5, b"more"), (6, b"\x06")],
        "GPU-c": [(5, b"\x05"), (6, b"\x06")],
    }


def test_changes_are_told_by_host_the_latest_first(history: HealthHistory) -> None:
    cleared = replace(CHANGE, turn=Turn.CLEARED, at=START + HOUR, why="one clean look")
    elsewhere = replace(CHANGE, host="gru1-n01")
    history.keep(HealthKept(changes=[CHANGE, elsewhere, cleared]))

    assert history.changes(["fra1-n01"], START) == [cleared, CHANGE]
    assert history.changes(["fra1-n01"], START + HOUR) == [cleared]


def test_each_look_at_which_critical_findings_came_counts_as_one_failure(history: HealthHistory) -> None:
    history.keep(
        HealthKept(
            changes=[
                CHANGE,
                replace(CHANGE, finding="xid-79"),
                replace(CHANGE, turn=Turn.WORSENED, at=START + HOUR),
                replace(CHANGE, turn=Turn.CLEARED),
                replace(CHANGE, severity=Severity.WARNING),
                replace(CHANGE, at=START - DAY),
            ]
        )
    )

    assert dict(history.failures(START - HOUR)) == {"fra1-n01": 2}


def a_snooze(until: datetime, finding: str = "pcie-*") -> Snooze:
    return Snooze("metro=FRA", finding, "risers come on Friday ü", "ann", START, until)


def test_a_snooze_is_in_force_until_it_ends_or_is_ended(history: HealthHistory) -> None:
    history.snooze(a_snooze(START + DAY))
    history.snooze(a_snooze(START + HOUR, "ecc-off"))

    assert [one.finding for one in history.snoozes(START)] == ["ecc-off", "pcie-*"]
    assert [one.reason for one in history.snoozes(START + HOUR)] == ["risers come on Friday ü"]
    assert history.unsnooze("metro=FRA", "pcie-*", "bob", START + HOUR) == 1
    assert history.unsnooze("metro=FRA", "pcie-*", "bob", START + HOUR) == 0
    assert history.snoozes(START + HOUR) == []


def test_what_is_old_is_forgotten_and_the_rest_is_not(history: HealthHistory) -> None:
    week = START.date().toordinal() // 7
    away = replace(OTHER, seen=START - 100 * DAY)
    history.keep(
        HealthKept(
            cards=[CARD, away],
            places=[CardPlace(one.card, one.since, one.host, one.slot) for one in (CARD, away)],
            weeks=[WeekRecord("GPU-a", week - 14, b"old"), WeekRecord("GPU-a", week, b"new")],
            states=[STATE, replace(STATE, finding="ecc-off", seen=START - 100 * DAY)],
            changes=[CHANGE, replace(CHANGE, at=START - 400 * DAY)],
        )
    )
    history.snooze(a_snooze(START - 399 * DAY))

    assert history.prune(START - 90 * DAY, START - 365 * DAY) == Forgotten(1, 1, 1)
    past = history.past(["fra1-n01", "fra1-n02"])
    assert (past.cards, past.states) == ({"fra1-n01": [CARD]}, {"fra1-n01": [STATE]})
    assert [one.days for one in history.weeks(["GPU-a"], 0, week)["GPU-a"]] == [b"new"]
    assert history.changes(["fra1-n01"], START - 500 * DAY) == [CHANGE]
    assert {one.card for one in history.places(["GPU-a", "GPU-b"])} == {"GPU-a"}


def test_a_whole_fleet_is_kept_and_known(history: HealthHistory) -> None:
    cards = [replace(CARD, card=f"GPU-{number}", host=f"n{number // 2}") for number in range(2_400)]
    weeks = [WeekRecord(card.card, 7, b"days") for card in cards]
    states = [replace(STATE, subject=card.card, host=card.host) for card in cards]
    history.keep(HealthKept(cards=cards, weeks=weeks, states=states, changes=[CHANGE] * 3))
    history.keep(HealthKept())

    past = history.past([f"n{number}" for number in range(1_100)])
    assert (len(past.cards), past.cards["n7"]) == (1_100, cards[14:16])
    assert len(past.states) == 1_100
    assert len(history.weeks([card.card for card in cards[:2_200]], 6, 8)) == 2_200


def test_a_run_is_kept_whole_or_not_at_all(store: Store) -> None:
    history = SqlHealthHistory(store.engine())
    with store.engine().begin() as connection:
        health_changes.drop(connection)

    with pytest.raises(MissingError, match="cannot write"):
        history.keep(HealthKept(cards=[CARD], states=[STATE], changes=[CHANGE]))

    assert history.past(["fra1-n01"]).cards == {}


def test_a_word_of_a_newer_edgectl_is_taken_for_the_gravest_we_know(store: Store) -> None:
    history = SqlHealthHistory(store.engine())
    history.keep(HealthKept(states=[STATE]))
    with store.engine().begin() as connection:
        connection.execute(sa.update(health_states).values(severity="dire", phase="smouldering"))

    (state,) = history.past(["fra1-n01"]).states["fra1-n01"]
    assert (state.severity, state.phase) == (Severity.CRITICAL, Phase.ACTIVE)
