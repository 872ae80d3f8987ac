from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.catalog.engines import Shares
from edgectl.engine.service_records import EngineStart
from edgectl.ops.deploy.fit import GIB, Need, Overhead, disk_needed, fit, need_of, overhead
from edgectl.ops.deploy.kv import Cache
from edgectl.ops.deploy.lock import Lock
from edgectl.ops.deploy.spec_engine import KvDtype
from tests.fakes.clock import START
from tests.unit.catalog.models import LLAMA_2_7B, LLAMA_8B, QWEN3_CODER
from tests.unit.ops.deploy.specs import LLAMA, VLLM, spec

NOTHING = Overhead(0, "")
_ARGS = VLLM[VLLM.index("  args:") : VLLM.index("  environment:")]


def gib(value: float) -> int:
    return int(value * GIB)


def a_need(**more: object) -> Need:
    need = Need(QWEN3_CODER, Cache(), Shares.ALL, 0.9, gib(30), 0, 32768, 0, 0, 1)
    return replace(need, **more)  # type: ignore[arg-type]  # what a case says


def test_llama_2_on_80_gb_leaves_what_vllm_left() -> None:
    """gateway-api-inference-extension PR 550: 71.27 GiB of budget, 12.55 of weights, 2.38 + 0.16 beside: 56.18."""
    need = a_need(model=LLAMA_2_7B, weights_bytes=gib(12.55), length=4096)
    found = fit(need, gib(71.27 / 0.9), Overhead(gib(2.38 + 0.16), ""))

    assert (found.spare_bytes + found.cache_bytes) / GIB == pytest.approx(56.18, abs=0.01)


def test_how_many_requests_of_full_length_it_holds_is_what_vllm_prints() -> None:
    """vLLM issue 20264: 613,024 tokens of cache at 131,072 per request: 4.68 times."""
    need = a_need(model=LLAMA_8B, weights_bytes=0, length=131_072, share=1.0)
    found = fit(need, 613_024 * 128 * 1024, NOTHING)

    assert found.times == pytest.approx(4.68, abs=0.005)


def test_the_published_service_that_was_placed_and_would_not_start_does_not_fit() -> None:
    """Qwen3-Coder-30B in FP8 on half a card: weights x 1.2 + 2 GiB say 36 GiB; at full length it is 24 GiB of cache."""
    need = a_need(weights_bytes=gib(30.5 / 1.0737), length=262_144)
    found = fit(need, gib(48), Overhead(gib(2), ""))

    assert not found.fits
    assert found.cache_bytes / GIB == pytest.approx(24.0, abs=0.01)
    assert found.length is not None
    assert 0 < found.length < 262_144
    assert fit(replace(need, length=found.length), gib(48), Overhead(gib(2), "")).fits
    assert not fit(replace(need, length=found.length + 16), gib(48), Overhead(gib(2), "")).fits


def test_an_fp8_cache_and_two_gpus_make_room() -> None:
    small = gib(40)
    assert not fit(a_need(length=131_072), small, NOTHING).fits
    assert fit(a_need(length=131_072, cache=Cache(tensor=2)), small, NOTHING).fits
    halved = fit(a_need(length=65_536, cache=Cache(KvDtype.FP8)), small, NOTHING)
    assert halved.cache_bytes / GIB == pytest.approx(3.0)
    assert halved.fits


def test_requests_at_once_count_where_they_need_more_than_one_long_one() -> None:
    need = a_need(length=4096, requests=64, mean=8192)
    found = fit(need, gib(95), NOTHING)

    assert found.cache_bytes / GIB == pytest.approx(64 * 0.75 * 1.1, rel=0.001)
    assert found.requests is not None
    assert fit(replace(need, requests=found.requests), gib(95), NOTHING).fits
    assert not fit(replace(need, requests=found.requests + 1), gib(95), NOTHING).fits


@pytest.mark.parametrize(
    ("shares", "room"),
    [(Shares.ALL, 90 - 30 - 5), (Shares.STATIC, 90 - 30), (Shares.FREE, (100 - 30 - 5) * 0.9)],
)
def test_a_share_is_of_what_the_engine_means(shares: Shares, room: float) -> None:
    found = fit(a_need(shares=shares), gib(100), Overhead(gib(5), ""))
    assert (found.spare_bytes + found.cache_bytes) / GIB == pytest.approx(room, abs=0.001)


def test_a_model_of_which_nothing_is_known_is_judged_by_its_weights_alone() -> None:
    found = fit(a_need(model=None), gib(40), NOTHING)
    assert (found.fits, found.cache_bytes, found.length) == (True, 0, None)


def test_overhead_is_the_most_that_was_seen_on_such_a_gpu_else_assumed() -> None:
    def start(sku: str, activation: float | None) -> EngineStart:
        size = None if activation is None else gib(activation)
        return EngineStart("m", "e", sku, "n1", START, activation_bytes=size, graphs_bytes=gib(0.5))

    starts = [start("l4", 1.0), start("l4", 1.5), start("b200", 9.0), start("l4", None)]
    assert overhead(starts, "l4") == Overhead(gib(2.0), "the most of 2 starts")
    assert overhead(starts, "h100").said == "assumed; no start on record"
    assert overhead(starts, "l4", "1g.24gb").size_bytes / GIB == pytest.approx(4.48)


def sized(folder: Path, text: str, size: int) -> Lock:
    found = spec(folder, text)
    files = [file.model_copy(update={"size": size}) for file in found.model.files]
    return Lock(found.model_copy(update={"model": found.model.model_copy(update={"files": files})}), LLAMA_8B)


def test_what_is_asked_for_may_stand_in_the_service_or_in_its_engine_s_arguments(tmp_path: Path) -> None:
    by_args = need_of(sized(tmp_path, VLLM, 10))
    assert (by_args.length, by_args.share, by_args.cache.dtype) == (32768, 0.9, KvDtype.FP8)
    assert (by_args.weights_bytes, by_args.disk_bytes, disk_needed(by_args)) == (10, 20, 22)

    said = (
        "serve: {{max_model_len: 1024, memory_share: 0.5, kv_cache_dtype: auto, target: {{concurrency: 8}}}}"
    )
    by_serve = need_of(sized(tmp_path, VLLM.replace(_ARGS, "").replace("serve: {{port: 8100}}", said), 10))
    assert (by_serve.length, by_serve.share, by_serve.cache.dtype) == (1024, 0.5, KvDtype.AUTO)
    assert (by_serve.requests, by_serve.mean) == (8, 1800)


def test_where_nobody_says_a_length_it_is_the_model_s(tmp_path: Path) -> None:
    text = LLAMA.replace("ctx-size: 8192, ", "")
    assert need_of(sized(tmp_path, text, 10)).length == 131_072
    assert need_of(sized(tmp_path, LLAMA, 10)).length == 8192


def test_copies_share_the_requests_and_stages_the_weights(tmp_path: Path) -> None:
    text = VLLM + "gpus: {{count: 8, data: 2, pipeline: 2}}\n"
    need = need_of(sized(tmp_path, text.replace("{{port: 8100}}", "{{target: {{concurrency: 9}}}}"), gib(80)))
    assert (need.requests, need.cache.tensor, need.cache.pipeline) == (5, 2, 2)
    assert fit(need, gib(90), NOTHING).weights_bytes == gib(20)


@given(st.integers(1, 200), st.integers(0, 200), st.integers(1, 300_000), st.integers(0, 20))
def test_more_memory_never_makes_it_fit_less(memory: int, weights: int, length: int, beside: int) -> None:
    need = a_need(weights_bytes=gib(weights), length=length)
    less, more = (fit(need, gib(memory + extra), Overhead(gib(beside), "")) for extra in (0, 8))

    assert more.spare_bytes > less.spare_bytes
    assert more.fits or not less.fits
    assert (more.length or 0) >= (less.length or 0)
