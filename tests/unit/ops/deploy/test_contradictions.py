from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.errors import InputError
from edgectl.ops.deploy.spec import load_spec
from tests.unit.ops.deploy.specs import LLAMA, VLLM, written

_SERVE = "serve: {{port: 8100}}"
_ARGS = VLLM[VLLM.index("  args:") : VLLM.index("  environment:")]
_LORA = '  lora: [{{name: law, files: [{{source: file://x, sha256: "{a}"}}]}}]\nengine:'
_ROWS = [
    ("serve: {{max_model_len: 1}}", "11:5", "'max-model-len' is said by serve.max_model_len already"),
    ("serve: {{memory_share: 0.8}}", "12:5", "is said by serve.memory_share already; say it once"),
    ("serve: {{kv_cache_dtype: fp8}}", "13:5", "is said by serve.kv_cache_dtype already"),
    ("gpus: {{count: 2}}", "10:10", "'tensor_parallel_size' is said by gpus already"),
    ("gpus: {{uuid: [GPU-1]}}", "18:8", "vLLM crashes on a UUID in CUDA_VISIBLE_DEVICES"),
]


@pytest.mark.parametrize(("new", "place", "said"), _ROWS, ids=[row[2][:30] for row in _ROWS])
def test_what_cannot_both_be_meant_is_refused_at_its_place(
    tmp_path: Path, new: str, place: str, said: str
) -> None:
    text = VLLM.replace(_SERVE, new)
    if "count" in new:
        text = text.replace(_ARGS, "  args: {{tensor_parallel_size: 2}}\n")
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_spec(path)
    assert said in str(caught.value)
    assert f"{path}:{place} " in str(caught.value)


def test_adapters_and_caches_that_an_engine_cannot_have_are_refused(tmp_path: Path) -> None:
    adapter = VLLM.replace("engine:", _LORA, 1).replace("kind: vllm", "kind: tensorrt-llm")
    with pytest.raises(InputError, match="edgectl serves no adapters with tensorrt-llm"):
        load_spec(written(tmp_path, adapter))
    with pytest.raises(InputError, match="for a cache of nvfp4"):
        load_spec(written(tmp_path, LLAMA + "serve: {{kv_cache_dtype: nvfp4}}\n"))


def test_a_container_without_a_front_is_refused(tmp_path: Path) -> None:
    image = "  runtime: quadlet\n  image: registry.example.net/engine@sha256:{a}\n"
    text = VLLM.replace("  command: /opt/vllm/bin/vllm\n", image).replace("port: 8100", "front: none")
    with pytest.raises(InputError, match="a container is put into force behind a front alone"):
        load_spec(written(tmp_path, text))
