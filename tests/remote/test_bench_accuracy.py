"""The client's figures against the stamps of a server that knows what it sent, and when.

What is compared are medians: on a busy machine some chunks are read late by any client, and the point here is
that nothing is off by rule. `tests/perf` is where single percentiles are printed.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

import pytest

from tests.nvml.branches import COMPILER, NO_COMPILER
from tests.remote.bench_server import TruthServer, run_client
from tests.remote.truth import Script, serving, stepped_clock

SEED = 5
# Waking a process that waits for a socket; measured 0.1 to 0.3 ms, wide for a machine that does other things.
TOLERANCE_MS = 3.0


@pytest.fixture(scope="module")
def server() -> Iterator[TruthServer]:
    made = TruthServer()
    yield made
    made.close()


def _closed(server: TruthServer, script: dict[str, Any], **load: Any) -> Any:
    wanted = {"concurrency": 2, "requests": 12, "output_tokens": 20, "seed": SEED, **load}
    return run_client(server.url, script=script, **wanted)


def test_every_chunk_is_stamped_when_it_was_sent(server: TruthServer) -> None:
    seen = _closed(server, {"first_ms": 30, "gap_ms": 5})

    errors = [
        (read - sent) / 1e6
        for record in seen["records"]
        for read, sent in zip(record["chunks_ns"], server.of(SEED, record["number"]).sent_ns, strict=True)
    ]
    assert min(errors) >= 0
    assert statistics.median(errors) < TOLERANCE_MS


def test_ttft_is_the_servers_own(server: TruthServer) -> None:
    seen = _closed(server, {"first_ms": 60, "gap_ms": 2})

    truth = statistics.median(server.of(SEED, number).ttft_ms for number in range(12))
    assert seen["bench"]["ttft_ms"]["p50"] == pytest.approx(truth, abs=TOLERANCE_MS)
    assert truth >= 60


def test_the_role_chunk_is_not_the_first_token(server: TruthServer) -> None:
    seen = _closed(server, {"first_ms": 80}, requests=6)

    assert seen["bench"]["ttft_ms"]["p50"] >= 80


def test_tpot_and_itl_are_the_servers_own(server: TruthServer) -> None:
    seen = _closed(server, {"first_ms": 40, "gap_ms": 8})

    truth = statistics.median(server.of(SEED, number).tpot_ms(20) for number in range(12))
    assert seen["bench"]["tpot_ms"]["p50"] == pytest.approx(truth, rel=0.02, abs=0.2)
    assert seen["bench"]["itl_ms"]["mean"] == pytest.approx(seen["bench"]["tpot_ms"]["mean"], rel=0.02)


@pytest.mark.parametrize("per_chunk", [1, 4, 20])
def test_tokens_per_chunk_change_icl_and_not_itl(server: TruthServer, per_chunk: int) -> None:
    script = {"gap_ms": 5 * per_chunk, "per_chunk": per_chunk}
    seen = _closed(server, script, requests=6, output_tokens=40)["bench"]

    truth = statistics.median(gap for number in range(6) for gap in server.of(SEED, number).gaps_ms())
    assert truth >= 5 * per_chunk
    assert seen["icl_ms"]["p50"] == pytest.approx(truth, rel=0.02, abs=0.5)
    assert seen["itl_ms"]["p50"] == pytest.approx(seen["icl_ms"]["p50"] / per_chunk, abs=0.002)


def test_without_usage_tokens_are_counted_from_chunks_and_marked(server: TruthServer) -> None:
    counted = _closed(server, {"per_chunk": 4}, requests=2)["bench"]["tokens"]
    estimated = _closed(server, {"per_chunk": 4, "usage": False}, requests=2)["bench"]["tokens"]

    assert (counted["output"]["mean"], counted["estimated"]) == (20, 0)
    assert (estimated["output"]["mean"], estimated["estimated"]) == (5, 2)


def test_reasoning_is_output_but_no_first_token(server: TruthServer) -> None:
    seen = _closed(server, {"field": "reasoning_content"}, requests=2)["bench"]

    assert seen["requests"]["ok"] == 2
    assert seen["ttft_ms"]["n"] == 0
    assert seen["tpot_ms"]["n"] == 2


@pytest.mark.parametrize("processes", [1, 2])
def test_every_request_is_sent_once_whatever_the_number_of_processes(
    server: TruthServer, processes: int
) -> None:
    seen = _closed(server, {"gap_ms": 1}, requests=15, concurrency=5, processes=processes)

    assert [record["number"] for record in seen["records"]] == list(range(15))
    assert seen["bench"]["validity"]["processes"] == processes


def test_a_connection_is_kept_between_requests(server: TruthServer) -> None:
    _closed(server, {}, requests=10, concurrency=1, seed=SEED + 1)

    assert len({server.of(SEED + 1, number).connection for number in range(10)}) == 1


def test_warm_up_requests_are_not_counted(server: TruthServer) -> None:
    seen = _closed(server, {}, requests=3, warmup_requests=4)

    assert seen["bench"]["requests"]["sent"] == 3
    assert f"edgectl-{SEED}-warm-up-3" in server.truth


def test_a_duration_bounds_when_requests_start(server: TruthServer) -> None:
    seen = _closed(server, {"first_ms": 20}, requests=None, duration_s=0.5)

    assert seen["records"]
    assert all(record["scheduled_ns"] - seen["start_ns"] < 5e8 for record in seen["records"])


def test_the_key_goes_into_the_header_and_nowhere_else(server: TruthServer) -> None:
    seen = _closed(server, {}, requests=2, api_key="s3cret-key")

    assert "Bearer s3cret-key" in server.keys
    assert "s3cret-key" not in str(seen)


def test_a_stalled_server_does_not_delay_the_schedule(server: TruthServer) -> None:
    """Coordinated omission: 300 ms each, 20 requests per second: about six are in flight at any time."""
    load = {"rate": 20, "concurrency": None, "arrivals": "constant", "requests": 20, "output_tokens": 2}
    seen = _closed(server, {"first_ms": 300}, **load)

    received = [server.of(SEED, number).received_ns for number in range(20)]
    assert (received[-1] - received[0]) / 1e9 == pytest.approx(19 / 20, abs=0.25)
    lags = [(record["started_ns"] - record["scheduled_ns"]) / 1e6 for record in seen["records"]]
    assert statistics.median(lags) < TOLERANCE_MS
    truth = statistics.median(server.of(SEED, number).ttft_ms for number in range(20))
    assert seen["bench"]["ttft_ms"]["p50"] == pytest.approx(truth, abs=TOLERANCE_MS)


needs_compiler = pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)


@needs_compiler
def test_one_process_holds_more_streams_than_a_pool_of_a_hundred() -> None:
    """guidellm's #487: its pool never let a server see more than 100 requests at once."""
    with serving(Script(first_ms=400, gap_ms=5)) as program:
        seen = run_client(program.url, concurrency=250, requests=250, output_tokens=3, processes=1)
        truth = program.truth()

    assert seen["bench"]["requests"]["ok"] == 250
    assert truth.most_serving == 250


@needs_compiler
def test_a_step_of_the_wall_clock_changes_no_figure() -> None:
    stepped = {"LD_PRELOAD": str(stepped_clock())}
    with serving(Script(first_ms=20, gap_ms=5)) as program:
        given: dict[str, Any] = {"rate": 20, "duration_s": 2, "arrivals": "constant", "output_tokens": 10}
        seen = run_client(program.url, environment=stepped, **given)["bench"]
        truth = program.truth()

    assert 1.9 < seen["duration_s"] < 3
    assert seen["ttft_ms"]["p50"] == pytest.approx(
        statistics.median(one.ttft_ms for one in truth.served), abs=TOLERANCE_MS
    )
    assert seen["tpot_ms"]["p50"] == pytest.approx(
        statistics.median(one.tpot_ms for one in truth.served), rel=0.02, abs=0.2
    )


@needs_compiler
def test_the_servers_counters_agree_with_ours() -> None:
    with serving(Script(first_ms=20, gap_ms=5)) as program:
        seen = run_client(program.url, concurrency=2, requests=20, output_tokens=20)["bench"]["validity"]

    assert not seen["server"]["other_traffic"]
    assert abs(seen["server"]["departure"]) < 0.02
    assert seen["server"]["itl_ms"] == pytest.approx(5, abs=0.3)
