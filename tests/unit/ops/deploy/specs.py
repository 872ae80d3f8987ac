"""Specifications as people write them."""

from __future__ import annotations

import textwrap
from pathlib import Path

from edgectl.ops.deploy.spec import ServiceSpec, load_spec

LLAMA = """\
name: chat
model:
  name: tiny
  files:
    - source: https://models.example.net/tiny.gguf
      sha256: "{a}"
engine:
  kind: llama.cpp
  command: /opt/llama/llama-server
  args: {{parallel: 4, ctx-size: 8192, flash-attn: true, no-webui: false}}
place: role=gpu
"""
VLLM = """\
name: chat-big
model:
  name: qwen3-30b-a3b
  files:
    - {{source: "https://models.example.net/q/config.json", sha256: "{a}"}}
    - {{source: "https://models.example.net/q/model.safetensors", sha256: "{b}"}}
engine:
  kind: vllm
  command: /opt/vllm/bin/vllm
  args:
    max-model-len: 32768
    gpu-memory-utilization: 0.9
    kv-cache-dtype: fp8
    enable-chunked-prefill: true
    override-generation-config: '{{"temperature": 0.7}}'
  environment: {{VLLM_LOGGING_LEVEL: WARNING, NOTE: 'a "quoted" 100% \\ text'}}
place: role=gpu
serve: {{port: 8100}}
"""
DIGESTS = {"a": "a" * 64, "b": "b" * 64}


def written(folder: Path, text: str) -> Path:
    path = folder / "chat.yaml"
    path.write_text(textwrap.dedent(text).format(**DIGESTS), encoding="utf-8")
    return path


def spec(folder: Path, text: str) -> ServiceSpec:
    return load_spec(written(folder, text))
