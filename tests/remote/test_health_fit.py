"""An answer that is too long gives up what matters least, says how much, and never more than it must."""

from __future__ import annotations

from typing import Any

from edgectl.remote.health.fit import fit, size_bytes


def an_answer(**lists: Any) -> dict[str, Any]:
    machine = {"stuck": [], "disks": [], "units": None, **lists.pop("machine", {})}
    return {"xids": [], "events": [], "ports": None, "gpus": [], "machine": machine, **lists}


def entries(count: int) -> list[dict[str, Any]]:
    return [{"number": number, "line": "x" * 90} for number in range(count)]


def test_what_fits_is_left_as_it_is() -> None:
    found = an_answer(xids=entries(5))

    assert fit(found, 10_000) == {**found, "cut": {}}


def test_the_longest_list_gives_way_from_its_end_and_is_counted() -> None:
    found = fit(an_answer(xids=entries(100), events=entries(10)), 5_000)

    assert size_bytes(found) <= 5_000
    assert found["cut"] == {"xids": 100 - len(found["xids"])}
    assert [one["number"] for one in found["xids"]] == list(range(len(found["xids"])))
    assert len(found["events"]) == 10


def test_lists_inside_give_way_under_their_own_names() -> None:
    stuck, processes = entries(80), entries(120)
    gpus = [{"processes": None}, {"processes": processes}]
    found = fit(an_answer(machine={"stuck": stuck}, gpus=gpus), 4_000)

    assert size_bytes(found) <= 4_000
    assert set(found["cut"]) == {"machine.stuck", "gpus.1.processes"}
    assert found["cut"]["gpus.1.processes"] + len(found["gpus"][1]["processes"]) == 120


def test_a_list_keeps_its_beginning_even_where_nothing_fits() -> None:
    found = fit(an_answer(xids=entries(50)), 100)

    assert len(found["xids"]) == 4
