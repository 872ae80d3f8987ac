"""Which releases differ in nothing but adapters, and how an engine is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.errors import InputError
from edgectl.ops.deploy.adapters import adapters_of, loader_of
from edgectl.ops.deploy.release import base_of, release_id, release_vars
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.units import render_unit
from tests.unit.ops.deploy.specs import LLAMA, VLLM, spec

_UPDATING = 'Environment="VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"'


def adapter(name: str, digest: str = "a", rank: int = 16) -> str:
    file = f'{{{{source: file://{name}.bin, sha256: "{{{digest}}}"}}}}'
    return f"{{{{name: {name}, rank: {rank}, files: [{file}]}}}}"


def with_adapters(folder: Path, *adapters: str, text: str = VLLM) -> ServiceSpec:
    return spec(folder, text.replace("engine:", f"  lora: [{', '.join(adapters)}]\nengine:", 1))


LAW, OTHER_LAW, MED = adapter("law"), adapter("law", "b"), adapter("med")


@pytest.mark.parametrize("adapters", [(OTHER_LAW,), (LAW, MED), (MED,)], ids=["other", "more", "another"])
def test_releases_with_other_adapters_are_others_of_one_base(
    tmp_path: Path, adapters: tuple[str, ...]
) -> None:
    first, second = with_adapters(tmp_path, LAW), with_adapters(tmp_path, *adapters)

    assert release_id(first) != release_id(second)
    assert base_of(first) == base_of(second) != ""


def test_what_an_engine_cannot_change_while_it_runs_is_another_base(tmp_path: Path) -> None:
    first = base_of(with_adapters(tmp_path, LAW))

    assert base_of(with_adapters(tmp_path, adapter("law", rank=64))) != first
    assert base_of(with_adapters(tmp_path, LAW, text=VLLM.replace("32768", "16384"))) != first
    assert base_of(spec(tmp_path, VLLM)) == ""


def test_an_engine_that_is_started_able_takes_its_first_adapter_while_it_runs(tmp_path: Path) -> None:
    able = VLLM.replace("  args:\n", "  args:\n    enable-lora: true\n    max-lora-rank: 16\n")

    assert base_of(spec(tmp_path, able)) == base_of(with_adapters(tmp_path, LAW, text=able)) != ""


@pytest.mark.parametrize(
    ("text", "by"),
    [
        (VLLM, "vllm"),
        (VLLM.replace("port: 8100", "port: 8100, front: none"), ""),
        (LLAMA, ""),
    ],
    ids=["behind a front", "open to clients", "an engine that takes them at its start"],
)
def test_only_an_engine_behind_a_front_is_let_take_adapters_while_it_runs(
    tmp_path: Path, text: str, by: str
) -> None:
    found = with_adapters(tmp_path, LAW, text=text)

    assert loader_of(found) == by
    assert (_UPDATING in render_unit(found, address="127.0.0.1", release="r")) is (by == "vllm")


def test_a_container_sees_the_adapters_beside_its_release(tmp_path: Path) -> None:
    image = "  runtime: quadlet\n  image: registry.example.net/engine@sha256:{a}\n"
    text = VLLM.replace("  command: /opt/vllm/bin/vllm\n", image)
    unit = render_unit(with_adapters(tmp_path, LAW, text=text), address="127.0.0.1", release="r")

    assert "Volume={adapters}:/adapters:ro\n" in unit
    assert "--lora-modules law=/adapters/law-" in unit


def test_a_host_is_told_where_each_adapter_lies_and_what_clients_call_it(tmp_path: Path) -> None:
    found = with_adapters(tmp_path, LAW)
    told = release_vars(found, "10.0.0.1")
    sglang = with_adapters(tmp_path, LAW, text=VLLM.replace("kind: vllm", "kind: sglang"))

    (law,) = told["adapters"]
    assert law["path"].startswith("{adapters}/law-")
    assert told["model_files"][-1]["folder"] == law["path"].replace("{adapters}", "adapters")
    assert adapters_of(sglang)[0]["model"] == "qwen3-30b-a3b:law"


@pytest.mark.parametrize(
    ("adapters", "said"),
    [((adapter("a/b"),), "an adapter's name is letters"), ((LAW, OTHER_LAW), "which one 'law' is")],
)
def test_an_adapter_that_clients_could_not_name_is_refused(
    tmp_path: Path, adapters: tuple[str, ...], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        with_adapters(tmp_path, *adapters)
