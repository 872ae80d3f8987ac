"""Which GPUs of a host each of its services gets."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.engine.service_records import Claim
from edgectl.ops.deploy.devices import Devices, Wanted, clash, gpus_for, held_by


@pytest.mark.parametrize(
    ("wanted", "devices", "gpus"),
    [
        (Wanted(2), Devices(4), ["0", "1"]),
        (Wanted(2), Devices(4, frozenset({"0", "2"})), ["1", "3"]),
        (Wanted(2), Devices(4, frozenset({"0"}), ["2", "3"]), ["2", "3"]),
        (Wanted(2), Devices(4, frozenset({"2"}), ["2", "3"]), ["0", "3"]),
        (Wanted(1), Devices(4, frozenset(), ["2", "3"]), ["2"]),
        (Wanted(3), Devices(4, frozenset({"0", "1"})), []),
        (Wanted(2), Devices(None, frozenset({"1"})), ["0", "2"]),
        (Wanted(0), Devices(4), []),
        (Wanted(1, ["GPU-a"]), Devices(4), []),
        (Wanted(1, mig="1g.24gb"), Devices(4), []),
    ],
)
def test_a_replica_keeps_the_gpus_it_has_and_gets_the_first_that_nobody_has(
    wanted: Wanted, devices: Devices, gpus: Sequence[str]
) -> None:
    assert list(gpus_for(wanted, devices)) == gpus


@pytest.mark.parametrize(
    ("wanted", "taken", "said"),
    [
        (Wanted(1), {"0"}, ""),
        (Wanted(1, ["GPU-a"]), {"GPU-b"}, ""),
        (Wanted(1, ["GPU-a"]), {"GPU-a"}, "another service has GPU-a there"),
        (Wanted(1, ["GPU-a"]), {"0"}, "another service has GPUs by numbers there"),
        (Wanted(1), {"GPU-a"}, "another service has GPUs by UUIDs there"),
        (Wanted(0), {"GPU-a"}, ""),
        (Wanted(1, mig="1g.24gb"), {"0"}, ""),
    ],
)
def test_where_nobody_could_tell_them_apart_it_is_no_place(
    wanted: Wanted, taken: set[str], said: str
) -> None:
    assert clash(wanted, taken).startswith(said)
    assert bool(clash(wanted, taken)) == bool(said)


def test_a_service_without_a_record_of_its_gpus_has_the_first_ones() -> None:
    assert held_by((), Claim(2)) == ["0", "1"]
    assert held_by(("3",), Claim(2)) == ("3",)
    assert held_by((), Claim(1, mig="1g.24gb")) == ()


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 4)), max_size=30))
def test_whatever_comes_and_changes_no_gpu_is_of_two_services(asked: list[tuple[str, int]]) -> None:
    held: dict[str, Sequence[str]] = {}
    for service, count in asked:
        taken = frozenset(gpu for other, gpus in held.items() if other != service for gpu in gpus)
        gpus = gpus_for(Wanted(count), Devices(8, taken, held.get(service, ())))
        if count == 0 or gpus:
            held[service] = gpus
        else:
            assert len(taken) + count > 8
        everyone = [gpu for gpus in held.values() for gpu in gpus]
        assert len(everyone) == len(set(everyone))
