"""Acceptance certificates, on each database."""

from __future__ import annotations

from datetime import timedelta

from edgectl.engine.certificates import Certified
from edgectl.store.certificates import SqlCertificates
from tests.contract.stores import Store
from tests.fakes.clock import START


def _one(host: str, number: int = 1, minutes: int = 0, kind: str = "rtx") -> Certified:
    content = {"tests": [{"name": "memory bandwidth", "value": 1478.2, "figures": {"GPU-ü": 1478.2}}]}
    at = START + timedelta(minutes=minutes)
    return Certified(host, kind, number, f"{host}-{number}", at, "R1", content)


def test_what_is_kept_is_read_back_as_it_was_and_kept_once(store: Store) -> None:
    kept = SqlCertificates(store.engine())
    kept.record([_one("n1"), _one("n1"), _one("n2")])
    kept.record([_one("n1"), _one("n1", 2, 5)])

    again = SqlCertificates(store.engine())
    assert again.of("n1") == [_one("n1"), _one("n1", 2, 5)]
    assert again.of("n1")[0].figures() == {"memory bandwidth": 1478.2}


def test_the_newest_before_a_moment_is_told_of_each_host_of_a_kind(store: Store) -> None:
    kept = SqlCertificates(store.engine())
    kept.record([_one("n1"), _one("n1", 2, 5), _one("n2", 1, 5), _one("n3", kind="b200")])

    def newest(minutes: float) -> list[tuple[str, int]]:
        found = kept.newest({"rtx"}, START + timedelta(minutes=minutes))
        return [(one.host, one.number) for one in found]

    assert newest(6) == [("n1", 2), ("n2", 1)]
    assert newest(5) == [("n1", 1)]
    assert newest(0) == []
