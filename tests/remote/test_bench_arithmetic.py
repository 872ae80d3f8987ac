from __future__ import annotations

import itertools
import statistics
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.remote.args import ArgumentError, build
from edgectl.remote.bench.answer import Piece
from edgectl.remote.bench.failure import RequestFailed
from edgectl.remote.bench.framing import Chunked
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.metrics import DEFINITIONS, METRICS, throughput
from edgectl.remote.bench.percentiles import histogram, summary
from edgectl.remote.bench.prompts import Prompts, WordCount, fitted
from edgectl.remote.bench.reply import Event, events
from edgectl.remote.bench.request import Record
from edgectl.remote.bench.schedule import arrivals_ns
from edgectl.remote.bench.server import parsed
from edgectl.remote.bench.target import target_of
from edgectl.remote.bench.validity import validity
from edgectl.remote.bench.workers import Measured

CASES = yaml.safe_load((Path(__file__).parent.parent / "cases/bench_percentiles.yaml").read_text())
URL = "http://127.0.0.1:8000"


def _load(**given: Any) -> Load:
    found = build(Load, {"url": URL, **given})
    assert isinstance(found, Load)
    return found


def _values(name: str, record: Record) -> list[float]:
    return next(metric.values(record) for metric in METRICS if metric.name == name)


def seen_of(records: list[Record], **given: Any) -> Measured:
    """What a measurement of these records saw, by a client that was never busy."""
    seen = Measured(records, cpu=[0.1], start_ns=0, end_ns=10**10, waits=[0.0], lags_ms=[0.1] * 300)
    return seen._replace(**given)


# One request: due at 0, begun at 2 ms, sent at 5, first text at 105, then four chunks 10 ms apart; 9 tokens.
RECORD = Record(
    0, 0, 2_000_000, 5_000_000, 3_000_000, 150_000_000,
    first_content_ns=105_000_000,
    chunks_ns=[105_000_000, 115_000_000, 125_000_000, 135_000_000, 145_000_000],
    output_tokens=9,
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.get("n", case.get("values"))))
def test_a_percentile_is_given_only_where_the_sample_bears_it(case: dict[str, Any]) -> None:
    values = case["values"] if "values" in case else list(range(1, case["n"] + 1))

    found = summary(values)

    assert found.pop("n") == len(values)
    assert found == {name: case[name] for name in ("mean", "p50", "p90", "p99")}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ttft_ms", [100.0]),
        ("ttft_scheduled_ms", [105.0]),
        ("icl_ms", [10.0] * 4),
        ("itl_ms", [pytest.approx(10 / (9 / 5))] * 4),
        ("tpot_ms", [5.0]),
        ("e2e_ms", [140.0]),
        ("e2e_scheduled_ms", [145.0]),
        ("connect_ms", [3.0]),
    ],
)
def test_a_metric_is_what_its_definition_says(name: str, wanted: list[float]) -> None:
    assert _values(name, RECORD) == wanted


def test_every_metric_is_defined_in_the_report() -> None:
    assert {metric.name for metric in METRICS} <= set(DEFINITIONS)


def test_one_token_has_no_time_per_token_after_the_first() -> None:
    assert _values("tpot_ms", RECORD._replace(chunks_ns=[105_000_000], output_tokens=1)) == []


def test_throughput_counts_from_the_first_due_request_to_the_end_of_the_last() -> None:
    records = [
        RECORD._replace(number=n, scheduled_ns=n * 10**8, ended_ns=n * 10**8 + 10**8) for n in range(10)
    ]

    records = [record._replace(error="" if number < 5 else "reset") for number, record in enumerate(records)]

    found = throughput(seen_of(records), _load(rate=10, requests=10))

    assert found == {
        "duration_s": 1.0,
        "requests_per_s": 5.0,
        "output_tokens_per_s": 45.0,
        "offered_per_s": 10.0,
    }


@pytest.mark.parametrize("arrivals", ["constant", "poisson", "gamma"])
def test_the_same_seed_gives_the_same_schedule_and_another_another(arrivals: str) -> None:
    load = {"rate": 10, "requests": 50, "arrivals": arrivals}
    first, again, other = (arrivals_ns(_load(**load, seed=seed)) for seed in (1, 1, 2))

    assert first == again
    assert first[0] == 0
    assert first == sorted(first)
    assert (first == other) == (arrivals == "constant")


@pytest.mark.parametrize(("arrivals", "cv"), [("constant", 0.0), ("poisson", 1.0), ("gamma", 2**0.5)])
def test_gaps_have_the_rate_and_the_variation_of_their_kind(arrivals: str, cv: float) -> None:
    due = arrivals_ns(_load(rate=100, requests=20_000, arrivals=arrivals))
    gaps = [later - earlier for earlier, later in itertools.pairwise(due)]

    assert statistics.fmean(gaps) == pytest.approx(1e7, rel=0.03)
    assert statistics.pstdev(gaps) / statistics.fmean(gaps) == pytest.approx(cv, abs=0.05)


def test_a_duration_ends_the_schedule() -> None:
    load = _load(rate=4, duration_s=1, arrivals="constant")

    assert arrivals_ns(load) == [0, 250_000_000, 500_000_000, 750_000_000]


def test_prompts_are_reproducible_and_differ_from_their_first_word() -> None:
    first, again, other = (Prompts(1).text(name, 150) for name in ("0", "0", "1"))

    assert first == again
    assert first.split()[0] != other.split()[0]
    assert Prompts(2).text("0", 20).split()[0] != first.split()[0]
    assert len(first.split()) - len(Prompts(1).text("0", 0).split()) == 150


@pytest.mark.parametrize(
    ("few", "many", "tokens", "words"),
    [
        ((32, 42), (160, 170), 110, 100),  # ten tokens of template, one per word
        ((32, 84), (160, 340), 220, 100),  # twenty, two per word
        ((32, 50), (160, 50), 100, 100),  # a server that does not count: one per word
        ((32, 42), (160, 170), 3, 1),  # shorter than the template: one word is the least
    ],
)
def test_the_number_of_words_follows_from_two_measured_prompts(
    few: tuple[int, int], many: tuple[int, int], tokens: int, words: int
) -> None:
    assert fitted(few, many).words_for(tokens) == words


def test_uncalibrated_prompts_take_a_word_for_a_token() -> None:
    assert WordCount().words_for(512) == 512


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_chunked_body_is_read_however_it_is_cut(size: int) -> None:
    raw = b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: 1\r\n\r\n"
    framing = Chunked()

    payload = b"".join(framing.feed(raw[at : at + size]) for at in range(0, len(raw), size))

    assert payload == b"hello world"
    assert framing.done


@pytest.mark.parametrize("raw", [b"zz\r\n", b"2\r\nabc\r\n", b"-5\r\n", b"x" * 5000])
def test_a_broken_chunked_body_is_refused(raw: bytes) -> None:
    with pytest.raises(RequestFailed, match="chunk"):
        Chunked().feed(raw)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_events_are_read_however_they_are_cut(size: int) -> None:
    raw = ": ping\n\ndata: a\n\ndata:b\r\n\r\nevent: x\ndata: c\ndata: d\n\ndata: é".encode()
    pieces = [Piece(at, raw[at : at + size]) for at in range(0, len(raw), size)]

    found = list(events(pieces))

    assert [event.data for event in found] == [b"a", b"b", b"c\nd", "é".encode()]


def test_an_event_has_the_moment_of_the_piece_that_completed_it() -> None:
    pieces = [Piece(10, b"data: a\n"), Piece(20, b"\ndata: b\n\ndata: "), Piece(30, b"c\n\n")]

    assert list(events(pieces)) == [Event(20, b"a"), Event(20, b"b"), Event(30, b"c")]


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://10.0.0.1:8000", "10.0.0.1", 8000, "/v1/chat/completions"),
        ("http://10.0.0.1/", "10.0.0.1", 80, "/v1/chat/completions"),
        ("https://api.example/v1", "api.example", 443, "/v1/chat/completions"),
        ("http://h:1/openai/v1/chat/completions", "h", 1, "/openai/v1/chat/completions"),
        ("http://[::1]:8000", "::1", 8000, "/v1/chat/completions"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, path: str) -> None:
    target = target_of(url)

    assert (target.host, target.port, target.chat_path) == (host, port, path)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "either 'rate' or 'concurrency'"),
        ({"rate": 1, "concurrency": 1}, "either 'rate' or 'concurrency'"),
        ({"rate": 1}, "either 'requests' or 'duration_s'"),
        ({"rate": 0, "requests": 1}, "'rate' must be more than 0"),
        ({"rate": 1, "requests": 1, "prompt_tokens": 0}, "'prompt_tokens' must be at least 1"),
        ({"rate": 1, "requests": 1, "url": "10.0.0.1:8000"}, "a URL such as http"),
        ({"rate": 1, "requests": 1, "url": "http://u:p@h"}, "api_key"),
        ({"rate": 1, "requests": 1, "arrivals": "uniform"}, "one of constant, poisson, gamma"),
        ({"rate": 1, "requests": 1, "slo": {"ttfb_ms": 1}}, "not for ttfb_ms"),
    ],
)
def test_a_load_that_cannot_be_meant_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        _load(**given)


def test_a_late_client_is_bound_and_says_why() -> None:
    late = [RECORD._replace(started_ns=25_000_000)] * 30

    found = validity(seen_of(late))

    assert found["client_bound"]
    assert found["reasons"] == ["send lag p90 25.0 ms, limit 10 ms"]


def test_one_late_request_of_few_condemns_nobody() -> None:
    records = [*[RECORD] * 99, RECORD._replace(started_ns=90_000_000)]

    assert not validity(seen_of(records[50:]))["client_bound"]


def test_a_wait_for_the_limit_on_requests_in_flight_is_no_lag() -> None:
    queued = [RECORD._replace(started_ns=952_000_000, queued_ns=950_000_000)] * 30

    assert validity(seen_of(queued))["send_lag_ms"]["mean"] == 2


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"cpu": [0.2, 0.93]}, "a client process used 93% of a core, limit 80%"),
        ({"waits": [0.3]}, "a client process waited 30% of the time for its core, limit 20%"),
        ({"lags_ms": [0.1] * 270 + [40.0] * 30}, "loop lag p99 40.0 ms, limit 10 ms"),
    ],
)
def test_a_client_that_is_busy_starved_or_slow_is_bound(seen: dict[str, Any], words: str) -> None:
    assert validity(seen_of([RECORD] * 3, **seen))["reasons"] == [words]


# The RECORD's eight tokens after the first took 40 ms.
@pytest.mark.parametrize(
    ("decode_s", "tokens", "departure", "is_bound"),
    [
        (0.040, 9, 0.0, False),
        (0.0385, 9, 0.039, False),
        (0.036, 9, 0.1111, True),
        (0.050, 9, -0.2, True),
        (0.050, 20, None, False),  # somebody else's tokens are among them
    ],
)
def test_the_servers_own_counters_are_a_witness(
    decode_s: float, tokens: int, departure: float | None, is_bound: bool
) -> None:
    name = "vllm:inter_token_latency_seconds_sum"
    before = {name: 2.0, "vllm:generation_tokens_total": 100.0}
    after = {name: 2.0 + decode_s, "vllm:generation_tokens_total": 100.0 + tokens}

    found = validity(seen_of([RECORD], before=before, after=after))

    assert found["server"]["departure"] == departure
    assert found["server"]["other_traffic"] == (departure is None)
    assert found["client_bound"] == is_bound


def test_a_server_without_counters_is_no_witness() -> None:
    assert validity(seen_of([RECORD], before={"x": 1.0}, after={"x": 2.0}))["server"] is None


def test_counters_are_summed_over_their_labels() -> None:
    text = """# HELP a:b words
a:b{model="x",le="+Inf"} 2.5
a:b{model="y"} 1e1
c 3
"""
    assert parsed(text) == {"a:b": 12.5, "c": 3.0}


def test_a_histogram_puts_the_slowest_hundredth_into_its_last_bucket() -> None:
    found = histogram([*range(1, 100), 5000])

    assert (found["low"], found["high"]) == (1, 99)
    counts = found["counts"]
    assert isinstance(counts, list)
    assert sum(counts) == 100
    assert histogram([]) == {"low": 0.0, "high": 0.0, "counts": []}
    assert histogram([4.0, 4.0])["counts"] == [2, *[0] * 11]
