"""The configurations of published models, as far as memory goes, from their `config.json`."""

from __future__ import annotations

from typing import Any

from edgectl.catalog.models import ModelFacts, facts_of_config


def _facts(**config: Any) -> ModelFacts:
    found = facts_of_config(config)
    assert found is not None
    return found


# huggingface.co/Qwen/Qwen3-Coder-30B-A3B-Instruct
QWEN3_CODER_CONFIG: dict[str, Any] = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "hidden_size": 2048,
    "max_position_embeddings": 262144,
    "use_sliding_window": False,
    "sliding_window": None,
    "max_window_layers": 28,
    "torch_dtype": "bfloat16",
}
QWEN3_CODER = _facts(**QWEN3_CODER_CONFIG)
# huggingface.co/openai/gpt-oss-120b
GPT_OSS_120B = _facts(
    architectures=["GptOssForCausalLM"],
    num_hidden_layers=36,
    num_attention_heads=64,
    num_key_value_heads=8,
    head_dim=64,
    hidden_size=2880,
    sliding_window=128,
    layer_types=["sliding_attention", "full_attention"] * 18,
    max_position_embeddings=131072,
)
# huggingface.co/meta-llama/Llama-2-7b-hf, Llama-3.1-8B, Llama-3.1-70B
LLAMA_2_7B = _facts(
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=32,
    hidden_size=4096,
    max_position_embeddings=4096,
    torch_dtype="float16",
)
LLAMA_8B = _facts(
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=8,
    hidden_size=4096,
    max_position_embeddings=131072,
)
LLAMA_70B = _facts(
    num_hidden_layers=80,
    num_attention_heads=64,
    num_key_value_heads=8,
    hidden_size=8192,
    max_position_embeddings=131072,
)
# huggingface.co/deepseek-ai/DeepSeek-V3
DEEPSEEK_V3 = _facts(
    num_hidden_layers=61,
    num_attention_heads=128,
    num_key_value_heads=128,
    hidden_size=7168,
    kv_lora_rank=512,
    qk_rope_head_dim=64,
    max_position_embeddings=163840,
)
