"""The client beside a real engine, which says itself how long each request took (llama.cpp's `timings`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.remote.bench_engine import IS_MISSING, KEY, WANTED, engine
from tests.remote.bench_server import run_client

pytestmark = pytest.mark.skipif(IS_MISSING, reason=WANTED)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with engine(tmp_path_factory.mktemp("engine")) as served:
        yield served


def _one_at_a_time(url: str) -> dict[str, Any]:
    """Nothing but the engine's work and the reading of a socket is in these figures."""
    seen: dict[str, Any] = run_client(
        url, model="lab", api_key=KEY, concurrency=1, requests=12, output_tokens=128, prompt_tokens=256,
        calibrate=True, warmup_requests=1,
    )["bench"]  # fmt: skip
    return seen


def test_what_the_engine_says_of_itself_stands_beside_our_figures(url: str) -> None:
    seen = _one_at_a_time(url)

    assert seen["requests"]["ok"] == 12
    assert seen["tokens"]["output"]["mean"] == 128
    assert seen["tokens"]["prompt"]["mean"] == pytest.approx(256, rel=0.1)
    assert seen["engine"]["ttft_ms"]["n"] == 12
    # The engine's prompt_ms ends before the first token is sampled and sent: ours can only be later.
    assert seen["ttft_ms"]["p50"] > seen["engine"]["ttft_ms"]["p50"]
    assert seen["tpot_ms"]["p50"] > 0.9 * seen["engine"]["tpot_ms"]["p50"]


@pytest.mark.perf  # on a machine that does other work, what the engine's first token waits for is in ours alone
def test_figures_agree_with_the_engines_own(url: str) -> None:
    seen = _one_at_a_time(url)

    assert seen["ttft_ms"]["p50"] == pytest.approx(seen["engine"]["ttft_ms"]["p50"], abs=5)
    assert seen["tpot_ms"]["p50"] == pytest.approx(seen["engine"]["tpot_ms"]["p50"], rel=0.05, abs=0.05)


def test_the_model_is_asked_for_where_none_is_named(url: str) -> None:
    seen = run_client(url, model=None, api_key=KEY, concurrency=1, requests=2, output_tokens=4)

    assert seen["bench"]["load"]["model"] == "lab"


def test_a_wrong_key_is_the_servers_401(url: str) -> None:
    seen = run_client(url, model="lab", api_key="wrong", concurrency=1, requests=2)

    assert seen["bench"]["requests"]["errors"] == {"http_401": 2}
    assert "wrong" not in str(seen["bench"])
