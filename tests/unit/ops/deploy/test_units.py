from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgectl.catalog.engines import engine_profiles
from edgectl.catalog.hardware import load_catalog
from edgectl.ops.deploy.release import release_id
from edgectl.ops.deploy.units import render_unit
from tests.hosts.standin_quadlet import parsed, unit_of
from tests.unit.ops.deploy.specs import LLAMA, VLLM, spec

_GOLDEN = Path(__file__).parents[3] / "golden/deploy"
_PROGRAMS = ("/opt/llama/llama-server", "/opt/vllm/bin/vllm", "/opt/sglang", "/opt/trtllm-serve", "/opt/own")
_LORA = """\
  lora: [{{name: law, rank: 32, files: [{{source: file://law.safetensors, sha256: "{a}"}}]}}]
engine:"""
_RTX = """\
gpus: {{sku: [rtx-pro-6000-server], count: 2}}
serve: {{port: 8100, kv_cache_dtype: fp8, max_model_len: 32768, memory_share: 0.92}}
secrets: {{VLLM_API_KEY: {{env: EDGE_KEY}}}}
"""
_HGX = "gpus: {{sku: [b200], count: 8, data: 2}}\nserve: {{port: 8100, max_model_len: 131072}}\n"
_ARGS = VLLM[VLLM.index("  args:") : VLLM.index("  environment:")]
_BARE = VLLM.replace(_ARGS, "").replace("serve: {{port: 8100}}\n", "")
_IMAGE = "  runtime: quadlet\n  image: registry.example.net/engine@sha256:{a}\n"
_COMMAND = "  command: /opt/vllm/bin/vllm\n"


def _kind(text: str, kind: str, command: str) -> str:
    return text.replace("kind: vllm", f"kind: {kind}").replace("/opt/vllm/bin/vllm", command)


UNITS = {
    "llama.cpp.service": (LLAMA, ""),
    "vllm.service": (VLLM, ""),
    "vllm-rtx-pro-6000.service": (_BARE.replace("engine:", _LORA, 1) + _RTX, "rtx-pro-6000-server"),
    "vllm-hgx-b200.service": (_BARE + _HGX, "b200"),
    "vllm-rtx-pro-6000.container": (_BARE.replace(_COMMAND, _IMAGE) + _RTX, "rtx-pro-6000-server"),
    "vllm-hgx-b200.container": (_BARE.replace(_COMMAND, _IMAGE) + _HGX, "b200"),
    "sglang-rtx-pro-6000.service": (_kind(_BARE + _RTX, "sglang", "/opt/sglang"), "rtx-pro-6000-server"),
    "tensorrt-llm-hgx-b200.service": (
        _kind(_BARE + _HGX.replace(", data: 2", ""), "tensorrt-llm", "/opt/trtllm-serve"),
        "b200",
    ),
    "custom.service": (
        _kind(_BARE, "custom", "/opt/own\n  argv: ['{{model}}', '--listen={{address}}:{{port}}', 'a b']"),
        "",
    ),
}


def _unit(folder: Path, text: str, sku: str = "") -> str:
    found = spec(folder, text)
    return render_unit(found, address="10.20.1.5", release=release_id(found), sku=sku)


@pytest.mark.parametrize("name", UNITS)
def test_the_unit_of_an_engine_is_as_agreed(tmp_path: Path, name: str) -> None:
    assert _unit(tmp_path, *UNITS[name]) == (_GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_systemd_finds_nothing_wrong_with_a_unit(tmp_path: Path, name: str) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    program = tmp_path / "engine"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "edgectl-chat.service"
    wanted = _unit(tmp_path, *UNITS[name]).replace("{release}", "/srv/release")
    for command in _PROGRAMS:
        wanted = wanted.replace(f"ExecStart={command}", f"ExecStart={program}")
    assert f"ExecStart={program} " in wanted
    unit.write_text(wanted)
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "edgectl-chat" in line] == []


def test_a_unit_gets_the_gpus_and_the_port_it_is_told(tmp_path: Path) -> None:
    found = spec(tmp_path, VLLM)
    text = render_unit(found, address="127.0.0.1", release="r-1", port=18001, gpus=["2", "3"])
    assert "--host 127.0.0.1 --port 18001" in text
    assert "CUDA_VISIBLE_DEVICES=2,3" in text


def test_what_a_service_says_wins_over_what_its_gpu_would_get(tmp_path: Path) -> None:
    said = VLLM.replace("max-model-len: 32768", "max-num-batched-tokens: 4096")
    assert "--max-num-batched-tokens 4096" in _unit(tmp_path, said, "rtx-pro-6000-server")


def test_llama_cpp_gets_as_much_context_as_its_requests_need_together(tmp_path: Path) -> None:
    said = LLAMA.replace("ctx-size: 8192, ", "") + "serve: {{max_model_len: 4096, kv_cache_dtype: fp8}}\n"
    assert "--ctx-size 16384 --cache-type-k q8_0 --cache-type-v q8_0" in _unit(tmp_path, said)


def test_every_row_for_a_gpu_says_why_and_who_says_so() -> None:
    known = {hardware.gpu.name for hardware in load_catalog().by_name.values() if hardware.gpu}
    assert all(row.why and row.source and set(row.skus) <= known for row in engine_profiles())


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "two words",
        'a "quote"',
        "it's",
        "100%",
        "%h",
        "$HOME",
        "${HOME}",
        "back\\slash",
        "a;b",
        "",
        "ü",
    ],
)
def test_systemd_hands_an_argument_and_a_variable_on_as_they_are_written(tmp_path: Path, value: str) -> None:
    """Proven by the lab's own reader of units, and in tests/hosts/test_nspawn.py by systemd itself."""
    found = spec(tmp_path, LLAMA).model_copy(
        update={"engine": spec(tmp_path, LLAMA).engine.model_copy(update={"args": {"x": value}})}
    )
    text = render_unit(found, address="10.0.0.1", release="r-1")
    from edgectl.lab.pid1.commandline import fill_in, parse_command

    line = next(line for line in text.splitlines() if line.startswith("ExecStart=")).removeprefix(
        "ExecStart="
    )
    assert fill_in(parse_command(line, "edgectl-chat.service"), {"HOME": "/root"})[-2:] == ["--x", value]


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".container")])
def test_a_quadlet_has_only_keys_that_the_oldest_podman_with_quadlets_knows(
    tmp_path: Path, name: str
) -> None:
    text = unit_of(parsed(_unit(tmp_path, *UNITS[name])))

    assert "ExecStart=/usr/local/bin/scripted-engine --model '{release}/model'" in text
    assert "WantedBy=multi-user.target" in text
    with pytest.raises(ValueError, match="unsupported key 'ShmSize'"):
        unit_of(parsed("[Container]\nShmSize=16g\n"))
