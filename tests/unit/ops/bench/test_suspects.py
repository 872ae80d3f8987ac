"""Who is named: a node beside its cohort, and beside what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from edgectl.engine.bench_records import BenchRecord
from edgectl.ops.bench.suspects import compare_fleet
from tests.fakes.clock import START

NODES = [f"fra1-n{number:02d}" for number in range(1, 13)]
PLACES = {name: {"pop": "fra1", "metro": "FRA"} for name in NODES}


def _record(host: str, tpot_ms: float, *, run: str = "01B", days: float = 0, **more: Any) -> BenchRecord:
    figures = {"ttft_ms.p50": 180.0, "tpot_ms.p50": tpot_ms, "output_tokens_per_s": 4000 * 20 / tpot_ms}
    record = BenchRecord(
        run,
        host,
        1,
        START + timedelta(days=days),
        "bench run",
        "5f2d",
        "chat",
        "vllm 0.11",
        "rtx",
        figures=figures,
    )
    return replace(record, **more)


def _fleet(slow: Mapping[str, float], **more: Any) -> list[BenchRecord]:
    """Return a measurement of every node, each a little unlike the next."""
    return [
        _record(name, 20 * (1 + 0.002 * (number % 5)) * slow.get(name, 1.0), **more)
        for number, name in enumerate(NODES)
    ]


def _named(records: Sequence[BenchRecord]) -> set[str]:
    return {suspect.reading.subject for suspect in compare_fleet(records, PLACES).suspects}


def test_the_node_that_is_10_percent_slower_is_named_and_no_other() -> None:
    assert _named(_fleet({NODES[6]: 1.1})) == {NODES[6]}


def test_a_fleet_of_equals_names_nobody() -> None:
    assert _named(_fleet({})) == set()


def test_a_faster_node_is_no_suspect() -> None:
    assert _named(_fleet({NODES[0]: 0.7})) == set()


def test_what_is_far_from_near_equals_but_hardly_slower_is_no_suspect() -> None:
    assert _named(_fleet({NODES[3]: 1.03})) == set()


def test_how_much_slower_and_than_whom_is_told() -> None:
    found = compare_fleet(_fleet({NODES[6]: 1.1}), PLACES).suspects

    assert {suspect.figure.name for suspect in found} == {"tpot.p50", "tokens"}
    assert found[0].worse == pytest.approx(0.1, abs=0.01)
    assert found[0].others == "11 peers in fra1"


@pytest.mark.parametrize("differs_in", ["shape", "model", "engine", "sku"])
def test_only_the_same_kind_is_compared(differs_in: str) -> None:
    records = _fleet({NODES[6]: 1.1})
    records[6] = replace(records[6], **{differs_in: "another"})  # type: ignore[arg-type]

    compared = compare_fleet(records, PLACES)

    assert compared.suspects == []
    assert NODES[6] not in compared.with_peers


def test_what_the_client_made_names_nobody_and_makes_no_cohort() -> None:
    assert _named(_fleet({NODES[6]: 1.1}, is_trusted=False)) == set()


def test_the_last_run_counts_and_its_repeats_are_one() -> None:
    earlier = _fleet({NODES[6]: 1.1}, run="01A", days=-1)
    now = _fleet({})
    burst = [
        replace(_record(NODES[6], tpot), number=number) for number, tpot in enumerate([20, 20.1, 90], start=2)
    ]

    assert _named([*earlier, *now, *burst]) == set()


def test_a_node_without_peers_is_compared_with_its_own_past() -> None:
    past = [_record("lone", 20 + 0.05 * day, run=f"01{day}", days=day) for day in range(6)]
    now = _record("lone", 22.5, run="01Z", days=7)

    found = compare_fleet([*past, now], {}).suspects

    assert {suspect.others for suspect in found} == {"6 earlier measurements of its own"}
    assert compare_fleet([*past[:4], now], {}).suspects == []
