"""What the measured server is asked, and when: lengths, prompts, conversations, traces, ramps, in both loops."""

from __future__ import annotations

import itertools
import json
import random
import statistics
from collections.abc import Iterator
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError, build
from edgectl.remote.bench.lengths import Lengths
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.plan import Plan
from edgectl.remote.bench.prompts import WordCount
from edgectl.remote.bench.schedule import arrivals_ns, digest
from edgectl.remote.bench.warmup import is_stable
from tests.remote.bench_server import TruthServer, run_client

SEED = 11


@pytest.fixture(scope="module")
def server() -> Iterator[TruthServer]:
    made = TruthServer()
    yield made
    made.close()


def _load(**given: Any) -> Load:
    found = build(Load, {"url": "http://127.0.0.1:1", "rate": 10, "requests": 9, "seed": SEED, **given})
    assert isinstance(found, Load)
    return found


def _asked(number: int, turn: int = 0, **given: Any) -> dict[str, Any]:
    """What request `number` of this load says."""
    raw = Plan(_load(**given), "m", WordCount()).workload.request(number, turn, [])
    body: dict[str, Any] = json.loads(raw.partition(b"\r\n\r\n")[2])
    return body


def _text(body: dict[str, Any]) -> str:
    return str(body["messages"][0]["content"])


@pytest.mark.parametrize(
    ("text", "mean", "low", "high"),
    [
        ("uniform:100-300", 200, 100, 300),
        ("normal:500,50", 500, 250, 750),
        ("lognormal:200,0.5", 226.6, 1, 5000),
        ("weights:100=3,500=1", 200, 100, 500),
    ],
)
def test_lengths_have_the_mean_and_the_bounds_of_their_kind(
    text: str, mean: float, low: int, high: int
) -> None:
    lengths, chance = Lengths(text), random.Random(1)  # noqa: S311 - reproducible on purpose

    drawn = [lengths.draw(chance) for _ in range(20_000)]

    assert lengths.mean == pytest.approx(mean, rel=0.001)
    assert statistics.fmean(drawn) == pytest.approx(mean, rel=0.02)
    assert low <= min(drawn) <= max(drawn) <= high


@pytest.mark.parametrize(
    "text", ["512", "uniform:300-100", "normal:5", "weights:1", "zipf:1,2", "uniform:0-5"]
)
def test_lengths_that_cannot_be_meant_are_refused_with_the_forms(text: str) -> None:
    with pytest.raises(ArgumentError, match="lengths are written as uniform:128-1024"):
        _load(prompt_lengths=text)


def test_lengths_are_those_of_the_number_whoever_asks() -> None:
    given: dict[str, Any] = {"prompt_lengths": "uniform:50-500", "output_lengths": "uniform:5-50"}

    first = [_asked(number, **given) for number in range(20)]

    assert first == [_asked(number, **given) for number in range(20)]
    assert len({body["max_tokens"] for body in first}) > 5
    assert len({len(_text(body).split()) for body in first}) > 5


def test_prompts_share_a_prefix_where_told_and_nowhere_else() -> None:
    given: dict[str, Any] = {"prompt_tokens": 300, "prefix_tokens": 200, "prefixes": 2}
    texts = [_text(_asked(number, **given)) for number in range(20)]

    starts = {" ".join(text.split()[:200]) for text in texts}
    assert len(starts) == 2
    assert len(set(texts)) == 20
    assert len({_text(_asked(number)).split()[0] for number in range(20)}) == 20
    assert _asked(0, **given)["cache_prompt"]
    assert not _asked(0)["cache_prompt"]


def test_another_seed_shares_no_prompt_and_no_prefix() -> None:
    """So that the engine's prefix cache does not answer a repeat."""
    given: dict[str, Any] = {"prefix_tokens": 100, "prompt_tokens": 200}
    starts = {_text(_asked(0, seed=seed, **given)).split()[0] for seed in range(50)}

    assert len(starts) == 50


def test_prompts_of_a_file_come_in_seeded_order_each_with_a_mark() -> None:
    prompts = [{"turns": [f"question {number}"]} for number in range(8)]
    texts = [_text(_asked(number, prompts=prompts)) for number in range(16)]

    assert sorted(text.partition("] ")[2] for text in texts[:8]) == sorted(p["turns"][0] for p in prompts)
    assert [text.partition("] ")[2] for text in texts[8:]] == [text.partition("] ")[2] for text in texts[:8]]
    assert len(set(texts)) == 16
    assert texts != [_text(_asked(number, prompts=prompts, seed=2)) for number in range(16)]


def test_a_system_message_comes_first_and_a_length_of_the_file_counts() -> None:
    prompts = [
        {"turns": ["why?"], "messages": [{"role": "system", "content": "be brief"}], "output_tokens": 3}
    ]
    body = _asked(0, prompts=prompts)

    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][0]["content"].endswith("] be brief")
    assert body["max_tokens"] == 3


@pytest.mark.parametrize("loop", [{"concurrency": 2}, {"rate": 50}])
def test_every_turn_brings_all_that_was_said(server: TruthServer, loop: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "turns": 3,
        "think_s": 0.02,
        "requests": 4,
        "output_tokens": 2,
        "seed": SEED + len(str(loop)),
    }
    seen = run_client(server.url, **given, **loop)

    assert seen["bench"]["requests"]["ok"] == 12
    assert [(r["number"], r["turn"]) for r in seen["records"]] == list(itertools.product(range(4), range(3)))
    last = server.bodies[f"edgectl-{given['seed']}-1-2"]["messages"]
    assert [message["role"] for message in last] == ["user", "assistant"] * 2 + ["user"]
    assert last[1]["content"] == "wört wört "
    first, second = (r for r in seen["records"] if r["number"] == 1 and r["turn"] < 2)
    assert second["scheduled_ns"] - first["ended_ns"] == 20_000_000


def test_a_conversation_whose_turn_failed_is_over(server: TruthServer) -> None:
    seen = run_client(server.url, script={"mode": "500"}, turns=3, requests=2, concurrency=1)

    assert seen["bench"]["requests"]["errors"] == {"http_500": 2}


def test_a_trace_is_replayed_at_its_moments_with_its_lengths(server: TruthServer) -> None:
    trace = [[0, 20, 3], [0.1, 40, 5], [0.35, 10, 2]]
    seen = run_client(server.url, trace=trace, seed=SEED + 50)

    offsets = [(record["scheduled_ns"] - seen["start_ns"]) / 1e9 for record in seen["records"]]
    assert offsets == [0, 0.1, 0.35]
    assert [record["output_tokens"] for record in seen["records"]] == [3, 5, 2]
    assert seen["bench"]["schedule"]["offsets_us"] == [0, 100_000, 350_000]
    received = [server.of(SEED + 50, number).received_ns for number in range(3)]
    assert (received[2] - received[0]) / 1e9 == pytest.approx(0.35, abs=0.05)


def test_the_schedule_is_saved_and_made_again_from_its_seed(server: TruthServer) -> None:
    given: dict[str, Any] = {"rate": 200, "requests": 20, "arrivals": "gamma", "seed": 99}
    saved = run_client(server.url, **given, output_tokens=1)["bench"]["schedule"]

    again = arrivals_ns(build(Load, {"url": server.url, **given}))
    assert saved["sha256"] == digest(again)
    assert saved["offsets_us"] == [offset_ns // 1000 for offset_ns in again]


def test_a_ramp_rises_evenly_and_what_comes_in_it_is_not_counted(server: TruthServer) -> None:
    load = _load(rate=100, requests=None, duration_s=2, ramp_s=2, cooldown_s=1, arrivals="constant")
    due_s = [offset_ns / 1e9 for offset_ns in arrivals_ns(load)]

    counts = [sum(low <= at < low + 1 for at in due_s) for low in range(5)]
    assert counts == pytest.approx([25, 75, 100, 100, 100], abs=1)

    given: dict[str, Any] = {
        "rate": 100,
        "duration_s": 0.5,
        "ramp_s": 0.4,
        "cooldown_s": 0.2,
        "arrivals": "constant",
    }
    seen = run_client(server.url, **given, output_tokens=1)["bench"]
    assert seen["requests"]["sent"] == pytest.approx(50, abs=1)
    assert seen["discarded"] == pytest.approx(20 + 20, abs=2)
    assert seen["duration_s"] == 0.5


def test_streams_of_a_closed_loop_begin_one_after_the_other_in_a_ramp(server: TruthServer) -> None:
    given: dict[str, Any] = {"concurrency": 4, "duration_s": 0.4, "ramp_s": 0.4, "seed": SEED + 60}
    seen = run_client(server.url, script={"first_ms": 30}, **given)

    # 1, 2, 3 and 4 streams for 100 ms each, of requests that take 30 ms: some 33, where all at once send 53.
    assert 15 <= seen["bench"]["discarded"] <= 43
    assert all(r["scheduled_ns"] - seen["start_ns"] >= 400_000_000 for r in seen["records"])


def test_a_limit_on_requests_in_flight_makes_others_wait_and_counts_that(server: TruthServer) -> None:
    """vLLM's #54101: 500 ms of service, one at a time, ten requests a second; here at a fifth of the size."""
    given: dict[str, Any] = {
        "rate": 50,
        "requests": 8,
        "arrivals": "constant",
        "max_in_flight": 1,
        "output_tokens": 1,
    }
    seen = run_client(server.url, script={"first_ms": 100}, **given)["bench"]

    assert seen["ttft_ms"]["mean"] == pytest.approx(100, rel=0.1)
    assert seen["ttft_scheduled_ms"]["mean"] == pytest.approx(380, rel=0.1)
    assert seen["validity"]["send_lag_ms"]["mean"] < 20


def test_warming_up_goes_on_until_latencies_are_stable(server: TruthServer) -> None:
    given: dict[str, Any] = {"warmup_requests": 2, "warmup_limit_s": 10.0, "requests": 3, "concurrency": 1}
    seen = run_client(server.url, script={"first_ms": 30}, **given)["bench"]

    (warmed,) = seen["warmup"]
    assert warmed["stable"]
    assert warmed["requests"] >= 2 + 10
    assert seen["requests"]["sent"] == 3


def test_two_windows_that_agree_are_stable() -> None:
    assert not is_stable([100.0])
    assert not is_stable([200.0, 100.0])
    assert is_stable([200.0, 100.0, 104.0])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ramp_s": 1}, "'ramp_s' and 'cooldown_s' are for a load with 'duration_s'"),
        ({"rate": None, "concurrency": 1, "max_in_flight": 2}, "'max_in_flight' is for 'rate'"),
        ({"trace": [[0, 1, 1]]}, "a 'trace' says itself when"),
        ({"trace": [[1, 1, 1], [0, 1, 1]], "rate": None}, "in order of time"),
        ({"prompts": []}, "'prompts' wants entries"),
        ({"prompts": [{"turns": ["a"]}], "prefix_tokens": 3}, "are what they are"),
        ({"turns": 0}, "'turns' must be at least 1"),
        ({"think_s": -1}, "'think_s' cannot be negative"),
    ],
)
def test_a_workload_that_cannot_be_meant_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        _load(**given)
