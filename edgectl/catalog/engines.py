"""What the engines call the same things, and what they do where nobody says anything.

Sources: vLLM's engine arguments (docs.vllm.ai, 0.18), SGLang's server arguments (docs.sglang.io), TensorRT-LLM's
trtllm-serve (nvidia.github.io/TensorRT-LLM, 1.1), llama.cpp's tools/server/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """An engine's option names ('' where it has none) and defaults.

    `share` is how much of a GPU's memory it takes, weights included; `block` is how many tokens a block of its cache
    holds, `batched` how many tokens it computes at once. One that is not `paged` lays out the whole cache at its start.
    """

    length: str = ""
    share_option: str = ""
    kv: str = ""
    tensor: str = ""
    pipeline: str = ""
    data: str = ""
    requests: str = ""
    batched_option: str = ""
    share: float = 0.9
    block: int = 16
    batched: int = 8192
    paged: bool = True


ENGINES: Mapping[str, EngineFacts] = {
    "vllm": EngineFacts(
        length="max-model-len",
        share_option="gpu-memory-utilization",
        kv="kv-cache-dtype",
        tensor="tensor-parallel-size",
        pipeline="pipeline-parallel-size",
        data="data-parallel-size",
        requests="max-num-seqs",
        batched_option="max-num-batched-tokens",
    ),
    "sglang": EngineFacts(
        length="context-length",
        share_option="mem-fraction-static",
        kv="kv-cache-dtype",
        tensor="tp-size",
        pipeline="pp-size",
        data="dp-size",
        requests="max-running-requests",
        batched_option="chunked-prefill-size",
        block=1,
    ),
    "tensorrt-llm": EngineFacts(
        length="max_seq_len",
        share_option="kv_cache_free_gpu_memory_fraction",
        tensor="tp_size",
        pipeline="pp_size",
        requests="max_batch_size",
        batched_option="max_num_tokens",
        block=32,
    ),
    # It asks for memory as it needs it; the share is what is left beside a display or another small process.
    "llama.cpp": EngineFacts(
        length="ctx-size",
        requests="parallel",
        batched_option="batch-size",
        share=0.97,
        block=256,
        batched=2048,
        paged=False,
    ),
    "custom": EngineFacts(),
}
