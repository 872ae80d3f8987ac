from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from edgectl.engine.bench_records import BenchRecord
from edgectl.ops.bench.baseline import Subject, kin_baseline, own_baseline
from edgectl.ops.bench.verdict import Side
from tests.fakes.clock import START

SUBJECT = Subject("n1", "5f2d", "chat", "rtx")
RECORD = BenchRecord(
    "01A", "n1", 1, START, "bench run", "5f2d", "chat", sku="rtx", figures={"ttft_ms.p50": 100.0, "sent": 10}
)


def _own(*records: BenchRecord) -> Side:
    found = own_baseline(SUBJECT, records)
    assert found is not None
    return found


def _later(record: BenchRecord, **more: object) -> BenchRecord:
    return replace(record, at=record.at + timedelta(days=1), **more)  # type: ignore[arg-type]


def test_it_is_the_last_bench_run_with_all_its_repeats() -> None:
    last = [_later(RECORD, run="01B", number=number) for number in (1, 2, 3)]

    side = _own(RECORD, *last)

    assert side.repeats == 3
    assert side.sent == 30
    assert "run 01B" in side.name


def test_what_a_gate_measured_moves_no_baseline() -> None:
    gated = _later(RECORD, run="01B", command="bench gate")

    assert "run 01A" in _own(RECORD, gated).name


def test_another_load_or_model_and_what_cannot_be_trusted_are_passed_over() -> None:
    others = [
        _later(RECORD, run="01B", shape="other"),
        _later(RECORD, run="01C", is_trusted=False),
        _later(RECORD, run="01D", model="another"),
    ]

    assert "run 01A" in _own(RECORD, *others).name


def test_a_new_node_is_held_against_others_of_its_kind() -> None:
    kin = [replace(RECORD, subject=f"k{number}") for number in range(3)]

    side = kin_baseline(SUBJECT, kin)

    assert (side.name, side.repeats) == ("3 others of rtx", 3)
    assert kin_baseline(SUBJECT, kin[:2]).repeats == 0
    assert own_baseline(SUBJECT, kin) is None


def test_without_any_the_doubt_says_how_to_make_one() -> None:
    side = kin_baseline(SUBJECT, [])

    assert side.repeats == 0
    assert "bench run --repeats 5" in side.doubts[0]
