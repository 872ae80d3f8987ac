"""Measurements on record: one suite for each database, and for the fake that other tests use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from edgectl.engine.bench_records import BenchHistory, BenchRecord
from edgectl.errors import MissingError
from edgectl.store.bench import SqlBenchHistory
from edgectl.store.database import open_database
from tests.fakes import postgres as postgres_cluster
from tests.fakes.bench_history import MemoryBenchHistory
from tests.fakes.clock import START

HOUR = timedelta(hours=1)
FIRST = BenchRecord(
    "01A", "fra1-n01", 1, START, "bench run", "5f2d1f0c8c3f", "chat", "vllm 0.11 ü", "rtx-pro-6000",
    figures={"ttft_ms.p50": 181.25, "requests_per_s": 20.0},
)  # fmt: skip
SECOND = replace(FIRST, number=2, is_trusted=False)
OTHER = replace(FIRST, subject="http://127.0.0.1:8000", run="01B", at=START + HOUR)


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BenchHistory]:
    if request.param == "memory":
        yield MemoryBenchHistory()
        return
    url = f"sqlite:///{tmp_path}/state.db"
    if request.param == "postgresql":
        url = postgres_cluster.new_schema(request.getfixturevalue("postgres"))
    engine = open_database(url)
    yield SqlBenchHistory(engine)
    engine.dispose()


def test_nothing_is_known_where_nobody_measured(history: BenchHistory) -> None:
    assert history.of_run("01A") == ()
    assert list(history.of_subjects(["fra1-n01"], START)) == []
    assert history.latest_run() == ""


def test_measurements_are_read_back_as_they_were_in_their_order(history: BenchHistory) -> None:
    history.keep([OTHER, SECOND, FIRST])

    assert history.of_run("01A") == [FIRST, SECOND]
    assert history.latest_run() == "01B"


def test_a_run_is_found_by_its_beginning_where_only_one_has_it(history: BenchHistory) -> None:
    history.keep([FIRST, OTHER])

    assert history.of_run("01B") == [OTHER]
    assert history.of_run("01") == ()
    assert history.of_run("%") == ()


def test_a_subject_s_measurements_are_those_since_a_moment(history: BenchHistory) -> None:
    later = replace(FIRST, run="01C", at=START + 2 * HOUR)
    history.keep([later, OTHER, FIRST])

    assert list(history.of_subjects(["fra1-n01"], START)) == [FIRST, later]
    assert list(history.of_subjects(["fra1-n01"], START + HOUR)) == [later]
    assert list(history.of_subjects({f"n{number}" for number in range(600)} | {"fra1-n01"}, START)) == [
        FIRST,
        later,
    ]


def test_what_is_older_than_half_a_year_is_forgotten(tmp_path: Path) -> None:
    history = SqlBenchHistory(open_database(f"sqlite:///{tmp_path}/state.db"))
    history.keep([FIRST])
    history.keep([replace(FIRST, run="01Z", at=START + timedelta(days=181))])

    assert history.of_run("01A") == ()
    assert history.of_run("01Z")


def test_one_that_is_on_record_already_is_refused_with_all_that_came_with_it(tmp_path: Path) -> None:
    history = SqlBenchHistory(open_database(f"sqlite:///{tmp_path}/state.db"))
    history.keep([FIRST])

    with pytest.raises(MissingError, match="cannot write to the state store"):
        history.keep([SECOND, FIRST])
    assert history.of_run("01A") == [FIRST]


def test_a_store_that_does_not_answer_says_so(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/state.db")
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE bench_results"))

    with pytest.raises(MissingError, match="cannot read the state store"):
        SqlBenchHistory(engine).latest_run()
