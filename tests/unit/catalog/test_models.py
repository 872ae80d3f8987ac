from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.catalog.gguf import TruncatedError, read_header
from edgectl.catalog.models import LayerKind, Layers, facts_from, facts_of_config, facts_of_gguf
from edgectl.lab.model import write_model
from tests.unit.catalog.models import DEEPSEEK_V3, GPT_OSS_120B, QWEN3_CODER


@pytest.mark.parametrize("facts", [QWEN3_CODER, GPT_OSS_120B, DEEPSEEK_V3])
def test_facts_come_back_from_a_lock(facts: object) -> None:
    assert facts_from(facts.written()) == facts  # type: ignore[attr-defined]  # any of the three


def test_layers_are_told_apart() -> None:
    assert [(layers.kind, layers.count) for layers in GPT_OSS_120B.layers] == [
        (LayerKind.FULL, 18),
        (LayerKind.SLIDING, 18),
    ]
    assert DEEPSEEK_V3.layers == (Layers(LayerKind.LATENT, 61, key=576),)


def test_a_window_for_some_layers_is_counted_for_those() -> None:
    config = {"num_hidden_layers": 6, "num_attention_heads": 4, "hidden_size": 256, "sliding_window": 512}
    gemma = facts_of_config({**config, "sliding_window_pattern": 6})
    qwen = facts_of_config({**config, "max_window_layers": 2, "use_sliding_window": True})

    assert gemma is not None
    assert [(one.kind, one.count) for one in gemma.layers] == [(LayerKind.FULL, 1), (LayerKind.SLIDING, 5)]
    assert qwen is not None
    assert [(one.kind, one.count) for one in qwen.layers] == [(LayerKind.FULL, 2), (LayerKind.SLIDING, 4)]


def test_a_model_within_a_multimodal_one_is_found() -> None:
    inner = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 256}
    found = facts_of_config({"architectures": ["X"], "text_config": inner})

    assert found is not None
    assert found.layers == (Layers(LayerKind.FULL, 2, 4, 64, 64),)


def test_linear_attention_has_a_state_of_constant_size() -> None:
    found = facts_of_config(
        {
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "hidden_size": 256,
            "layer_types": ["linear_attention", "full_attention"],
            "linear_num_value_heads": 32,
            "linear_num_key_heads": 16,
            "linear_key_head_dim": 128,
            "linear_value_head_dim": 128,
            "linear_conv_kernel_dim": 4,
        }
    )

    assert found is not None
    state = next(one for one in found.layers if one.kind is LayerKind.STATE)
    assert state.state_bytes == (32 * 128 * 128 + (2 * 16 * 128 + 32 * 128) * 3) * 4


@pytest.mark.parametrize("config", [{}, {"num_hidden_layers": 2}])
def test_a_configuration_that_says_too_little_is_no_model(config: dict[str, int]) -> None:
    assert facts_of_config(config) is None


def test_a_real_gguf_says_what_it_is(tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="needs gguf: pip install 'edgectl[lab]'")
    write_model(tmp_path / "tiny.gguf", 1)
    raw = (tmp_path / "tiny.gguf").read_bytes()
    header = read_header(raw)
    found = facts_of_gguf(header)

    assert found is not None
    assert found.architecture == "llama"
    assert found.layers[0].kind is LayerKind.FULL
    assert found.layers[0].count == header["llama.block_count"]
    with pytest.raises(TruncatedError):
        read_header(raw[:100])


@pytest.mark.parametrize("raw", [b"", b"GG"])
def test_the_beginning_of_a_header_wants_more(raw: bytes) -> None:
    with pytest.raises(TruncatedError):
        read_header(raw)


@pytest.mark.parametrize("raw", [b"PK\x03\x04" + b"\0" * 60, b"GGUF\x09\0\0\0" + b"\0" * 60])
def test_what_is_no_gguf_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="GGUF"):
        read_header(raw)
