"""The cache's size, against what vLLM printed and what others published."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.catalog.models import ModelFacts
from edgectl.ops.deploy.kv import Cache, bytes_per_token, longest, request_bytes
from edgectl.ops.deploy.spec_engine import KvDtype
from tests.unit.catalog.models import DEEPSEEK_V3, GPT_OSS_120B, LLAMA_2_7B, LLAMA_8B, LLAMA_70B, QWEN3_CODER

GIB, KIB = 2**30, 2**10


@pytest.mark.parametrize(
    ("model", "cache", "tokens", "gib"),
    [
        (QWEN3_CODER, Cache(), 262_144, 24.0),  # vLLM issue 34076: "24.0 GiB KV cache is needed"
        (GPT_OSS_120B, Cache(batched=1024), 131_072, 4.54),  # vLLM issue 27508: "4.54 GiB"
    ],
)
def test_a_request_takes_what_vllm_said_it_takes(
    model: ModelFacts, cache: Cache, tokens: int, gib: float
) -> None:
    assert request_bytes(model, cache, tokens) / GIB == pytest.approx(gib, abs=0.005)


def test_what_is_left_beside_llama_2_is_as_many_blocks_as_vllm_made() -> None:
    """gateway-api-inference-extension PR 550: 56.18 GiB, 7191 blocks of 16 tokens on 80 GB."""
    left = (71.27 - 12.55 - 2.38 - 0.16) * GIB

    assert left / GIB == pytest.approx(56.18, abs=0.005)
    assert int(left // (16 * bytes_per_token(LLAMA_2_7B, Cache()))) == 7191


@pytest.mark.parametrize(
    ("model", "dtype", "kib"),
    [
        (LLAMA_8B, KvDtype.AUTO, 128),
        (LLAMA_8B, KvDtype.FP8, 64),
        (LLAMA_8B, KvDtype.NVFP4, 36),
        (LLAMA_70B, KvDtype.AUTO, 320),
        (DEEPSEEK_V3, KvDtype.AUTO, 68.6),
        (DEEPSEEK_V3, KvDtype.FP8_DS_MLA, 39.1),
    ],
)
def test_a_token_takes_what_is_published(model: ModelFacts, dtype: KvDtype, kib: float) -> None:
    assert bytes_per_token(model, Cache(dtype)) / KIB == pytest.approx(kib, rel=0.002)


def test_heads_are_shared_out_until_each_gpu_has_one_and_a_latent_vector_never() -> None:
    whole = bytes_per_token(LLAMA_8B, Cache())
    assert [bytes_per_token(LLAMA_8B, Cache(tensor=t)) / whole for t in (2, 8, 16)] == [1 / 2, 1 / 8, 1 / 8]
    assert bytes_per_token(DEEPSEEK_V3, Cache(tensor=8)) == bytes_per_token(DEEPSEEK_V3, Cache())
    assert bytes_per_token(LLAMA_8B, Cache(pipeline=4)) == whole / 4


def test_scales_of_each_token_and_head_are_counted() -> None:
    assert bytes_per_token(LLAMA_8B, Cache(KvDtype.INT8_PER_TOKEN_HEAD)) == 32 * 8 * (2 * 128 + 8)


MODELS = st.sampled_from([QWEN3_CODER, GPT_OSS_120B, LLAMA_8B, DEEPSEEK_V3])
CACHES = st.builds(
    Cache, st.sampled_from(list(KvDtype)), st.sampled_from([1, 16, 256]), st.sampled_from([1, 2, 8])
)


@given(MODELS, CACHES, st.integers(1, 2 * 10**11))
def test_the_longest_request_fits_and_a_longer_one_does_not(
    model: ModelFacts, cache: Cache, room: int
) -> None:
    limit = 1_000_000
    tokens = longest(model, cache, room, limit)

    assert tokens == 0 or request_bytes(model, cache, tokens) <= room
    assert tokens == limit or request_bytes(model, cache, tokens + 1) > room
