from __future__ import annotations

import pytest

from edgectl.errors import UsageError
from edgectl.ops.bench.workload import Workload, checked, parse_provider, parse_slo


def test_an_slo_is_read_in_any_unit_of_time() -> None:
    assert parse_slo("ttft=300ms, tpot=0.04s,e2e=1m") == {"ttft_ms": 300, "tpot_ms": 40, "e2e_ms": 60_000}
    assert parse_slo("") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ttft", "such as ttft=300ms"),
        ("ttfb=300ms", "one of ttft, tpot"),
        ("ttft=fast", "--slo ttft: a duration"),
        ("ttft=0ms", "more than 0"),
        ("ttft=1s,ttft=2s", "twice"),
    ],
)
def test_an_slo_that_cannot_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_slo(text)


def test_the_default_is_one_stream_for_half_a_minute() -> None:
    found = checked(Workload())

    assert (found.rate, found.concurrency, found.requests, found.duration_s) == (None, 1, None, 30.0)
    assert checked(Workload(rate=2, requests=5)).concurrency is None


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        (Workload(rate=1, concurrency=1), "--rate and --concurrency exclude"),
        (Workload(requests=1, duration_s=1), "--requests and --duration exclude"),
        (Workload(rate=-1), "'rate' must be more than 0"),
    ],
)
def test_a_load_that_cannot_be_meant_is_a_wrong_command_line(workload: Workload, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        checked(workload)


def test_a_key_is_named_by_its_provider() -> None:
    assert parse_provider("env:VLLM_API_KEY") == {"env": "VLLM_API_KEY"}
    for text in ("sk-123", "env:", "vault:x"):
        with pytest.raises(UsageError, match="not the key itself"):
            parse_provider(text)
