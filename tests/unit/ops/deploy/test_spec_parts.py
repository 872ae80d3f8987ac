"""The parts of a specification that a service may do without."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.errors import InputError
from edgectl.ops.deploy.spec import load_spec
from edgectl.ops.deploy.spec_care import Scope, Swap
from edgectl.ops.deploy.spec_engine import EngineKind, KvDtype, Runtime
from edgectl.ops.deploy.spec_sources import hub_name
from tests.unit.ops.deploy.specs import LLAMA, spec, written

FULL = """\
name: chat
model:
  name: qwen3
  source: hf://Qwen/Qwen3-30B-A3B-Instruct-FP8@main
  include: ["*.json", "*.safetensors"]
  lora:
    - {{name: law, rank: 32, files: [{{source: s3://weights/law.safetensors}}]}}
engine:
  kind: vllm
  runtime: quadlet
  image: registry.example.net:5000/vllm/vllm-openai:v0.18.0
gpus: {{sku: [rtx-pro-6000-server], count: 4, data: 2}}
serve:
  port: 8000
  max_model_len: 32768
  kv_cache_dtype: fp8
  memory_share: 0.92
  target: {{concurrency: 64, mean_in: 1500, mean_out: 300}}
place:
  pattern: role=gpu
  replicas: 2
  per: metro
  countries: [DE, FR]
  tenant: acme
strategy: {{swap: side-by-side, drain: 3m, on_halt: rollback-all, floor: {{per: metro, keep: 70%}}}}
weights: {{bandwidth: 1 Gbit/s, window: {{days: [sat, sun], start: "01:00", hours: 4}}}}
gates:
  ready: 20m
  smoke: {{prompts: [{{ask: Hello?, golden: "Hello!"}}], tokens: 8, stream: true}}
  bench: {{ttft: 10%, throughput: 5%}}
  soak: 10m
secrets: {{HF_TOKEN: {{env: EDGE_TOKEN}}}}
"""


def test_every_part_is_read_as_it_is_meant(tmp_path: Path) -> None:
    found = spec(tmp_path, FULL)

    assert (found.engine.kind, found.engine.runtime) == (EngineKind.VLLM, Runtime.QUADLET)
    assert (found.gpus.tensor, found.gpus.data) == (2, 2)
    assert found.serve.kv_cache_dtype is KvDtype.FP8
    assert (found.place.replicas, found.place.per, found.place.spread) == (
        2,
        Scope.METRO,
        [Scope.METRO, Scope.POP],
    )
    assert (found.strategy.swap, found.strategy.drain) == (Swap.SIDE_BY_SIDE, 180.0)
    assert found.weights.bandwidth == 125e6
    assert [prompt.golden for prompt in found.gates.smoke.asked] == ["Hello!"]
    assert found.secrets["HF_TOKEN"].provider == {"env": "EDGE_TOKEN"}


def test_a_specification_is_pinned_where_it_names_every_digest(tmp_path: Path) -> None:
    assert spec(tmp_path, LLAMA).is_pinned
    assert not spec(tmp_path, FULL).is_pinned
    assert not spec(tmp_path, LLAMA.replace('      sha256: "{a}"\n', "")).is_pinned


@pytest.mark.parametrize(
    ("source", "parts", "pinned"),
    [
        ("hf://a/b", ("a/b", "main", ""), False),
        ("hf://a/b@v1.0", ("a/b", "v1.0", ""), False),
        (f"hf://a/b@{'0' * 40}/sub/x.gguf", ("a/b", "0" * 40, "sub/x.gguf"), True),
    ],
)
def test_a_hub_s_name_is_taken_apart(source: str, parts: tuple[str, str, str], pinned: bool) -> None:
    name = hub_name(source)
    assert (name.repository, name.revision, name.path) == parts
    assert name.is_pinned is pinned


WRONG = [
    ("source: hf://Qwen/Qwen3-30B-A3B-Instruct-FP8@main", "source: hf://Qwen", "is not hf://OWNER/NAME"),
    ("source: hf://Qwen/Qwen3-30B-A3B-Instruct-FP8@main", "source: hf://a/b/c.gguf", "list it under 'files'"),
    ("source: hf://Qwen/Qwen3-30B-A3B-Instruct-FP8@main", "source: https://x.net/a", "one file goes under"),
    ("  source: hf://Qwen/Qwen3-30B-A3B-Instruct-FP8@main\n", "", "either a 'source' that holds the files"),
    (
        "image: registry.example.net:5000/vllm/vllm-openai:v0.18.0",
        "command: /bin/x",
        "a quadlet runs an 'image'",
    ),
    ("runtime: quadlet", "runtime: systemd", "runs a 'command' of the node, and no 'image'"),
    ("vllm-openai:v0.18.0", "vllm-openai@sha256:12", "an image is REGISTRY/NAME@sha256"),
    ("data: 2", "data: 3", "4 GPUs cannot be shared out among 3 copies"),
    ("data: 2", "uuid: [GPU-1]", "'uuid' names 1 of 4 GPUs"),
    ("count: 4", "mig: 24gb, count: 4", "gpus.mig"),
    ("1 Gbit/s", "1 Gbit", "a rate such as 200MB/s or 1Gbit/s is wanted"),
    ("EDGE_TOKEN}}", "EDGE_TOKEN, file: x}}", "name one provider"),
    ("[DE, FR]", "[Germany]", "place.countries"),
    (
        "  image:",
        "  environment: {{HF_TOKEN: x}}\n  image:",
        "under 'secrets' and under 'engine.environment'",
    ),
    ("  image:", "  argv: [x]\n  image:", "'argv' is for custom engines"),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG, ids=[row[2][:40] for row in WRONG])
def test_what_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in FULL
    with pytest.raises(InputError) as caught:
        load_spec(written(tmp_path, FULL.replace(old, new, 1)))
    assert said in str(caught.value)
