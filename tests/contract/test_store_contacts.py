"""What is known of hosts, on each database."""

from __future__ import annotations

from datetime import timedelta, timezone

import sqlalchemy as sa

from edgectl.engine.contacts import Contact, Reach
from edgectl.store.contacts import SqlContacts
from edgectl.store.tables import contacts
from tests.contract.stores import Store
from tests.fakes.clock import START

UP = Contact("fra1-n01", Reach.UP, START, START, "", (0.04, 0.041), (0.5,))
DOWN = Contact("fra1-n02", Reach.DOWN, START - timedelta(days=2), None, "keine Antwort ü")


def test_what_is_known_of_hosts_is_read_back_as_it_was(store: Store) -> None:
    SqlContacts(store.engine()).keep([UP, DOWN])

    known = SqlContacts(store.engine()).known([UP.host, DOWN.host, "gru1-n01"])

    assert known == {UP.host: UP, DOWN.host: DOWN}


def test_a_newer_look_takes_the_place_of_the_one_before(store: Store) -> None:
    kept = SqlContacts(store.engine())
    kept.keep([UP, DOWN])
    later = Contact(UP.host, Reach.REFUSED_KEY, START + timedelta(hours=1), START, "host key", (0.05,), ())
    kept.keep([later])

    assert kept.known([UP.host, DOWN.host]) == {UP.host: later, DOWN.host: DOWN}


def test_only_the_hosts_that_are_asked_for_are_told(store: Store) -> None:
    kept = SqlContacts(store.engine())
    kept.keep([UP, DOWN])

    assert kept.known([DOWN.host]) == {DOWN.host: DOWN}
    assert kept.known([]) == {}


def test_a_whole_fleet_is_kept_and_known(store: Store) -> None:
    kept = SqlContacts(store.engine())
    fleet = [Contact(f"n{number}", Reach.UP, START, START, "", (0.04,) * 32) for number in range(1_200)]
    kept.keep(fleet)
    kept.keep([])

    known = kept.known([contact.host for contact in fleet[:1_100]])
    assert (len(known), known["n7"]) == (1_100, fleet[7])


def test_moments_are_kept_in_any_zone(store: Store) -> None:
    kept = SqlContacts(store.engine())
    there = START.astimezone(timezone(timedelta(hours=9)))
    kept.keep([Contact("n1", Reach.UP, there, there)])

    assert kept.known(["n1"])["n1"].since == START


def test_a_word_of_a_newer_edgectl_means_that_the_host_did_not_answer(store: Store) -> None:
    kept = SqlContacts(store.engine())
    kept.keep([UP])
    with store.engine().begin() as connection:
        connection.execute(sa.update(contacts).values(reach="asleep"))

    assert kept.known([UP.host])[UP.host].reach is Reach.DOWN
