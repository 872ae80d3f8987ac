from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgectl.ops.deploy.release import release_id, release_vars
from tests.unit.ops.deploy.specs import LLAMA, VLLM, spec

_FILES = VLLM[VLLM.index("    - ") : VLLM.index("engine:")]


def test_the_same_specification_is_the_same_release(tmp_path: Path) -> None:
    assert release_id(spec(tmp_path, VLLM)) == release_id(spec(tmp_path, VLLM))


SAME: list[tuple[str, Callable[[str], str]]] = [
    ("a comment", lambda text: "# hello\n" + text),
    ("its place", lambda text: text.replace("place: role=gpu", "place: all")),
    ("how long it may take", lambda text: text + "gates: {{ready: 9m, smoke: Well?}}\n"),
    ("its waves", lambda text: text + "rollout: {{canary: 2}}\n"),
    ("how many stay", lambda text: text + "keep: 9\n"),
    ("where the files come from", lambda text: text.replace("models.example.net", "mirror.local")),
    ("the order of the files", lambda text: text.replace(_FILES, "".join(reversed(_FILES.splitlines(True))))),
]
OTHER: list[tuple[str, Callable[[str], str]]] = [
    ("the name", lambda text: text.replace("name: chat-big", "name: chat")),
    ("the model's name", lambda text: text.replace("qwen3-30b-a3b", "qwen3")),
    ("a file's content", lambda text: text.replace("{b}", "{a}")),
    ("a file's name", lambda text: text.replace("q/config.json", "q/conf.json")),
    ("an argument", lambda text: text.replace("32768", "16384")),
    ("the environment", lambda text: text.replace("WARNING", "INFO")),
    ("the program", lambda text: text.replace("/opt/vllm/bin", "/opt/vllm-0.12/bin")),
    ("the port", lambda text: text.replace("8100", "8101")),
]


@pytest.mark.parametrize("edit", [edit for _, edit in SAME], ids=[name for name, _ in SAME])
def test_what_does_not_change_what_runs_is_the_same_release(
    tmp_path: Path, edit: Callable[[str], str]
) -> None:
    assert edit(VLLM) != VLLM
    assert release_id(spec(tmp_path, edit(VLLM))) == release_id(spec(tmp_path, VLLM))


@pytest.mark.parametrize("edit", [edit for _, edit in OTHER], ids=[name for name, _ in OTHER])
def test_what_changes_what_runs_is_another_release(tmp_path: Path, edit: Callable[[str], str]) -> None:
    assert edit(VLLM) != VLLM
    assert release_id(spec(tmp_path, edit(VLLM))) != release_id(spec(tmp_path, VLLM))


def test_the_first_file_is_the_one_llama_cpp_loads(tmp_path: Path) -> None:
    second = "    - {{source: https://models.example.net/other.gguf, sha256: '{b}'}}\n"
    after = LLAMA.replace("engine:", f"{second}engine:")
    before = LLAMA.replace("  files:\n", f"  files:\n{second}")
    assert release_id(spec(tmp_path, after)) != release_id(spec(tmp_path, before))


def test_a_release_is_the_same_on_every_host_and_listens_on_its_own_address(tmp_path: Path) -> None:
    text = LLAMA + "serve: {{front: none}}\n"
    one, two = (release_vars(spec(tmp_path, text), address) for address in ("10.0.0.1", "10.0.0.2"))
    assert one["release"] == two["release"]
    assert (one["base_url"], two["base_url"]) == ("http://10.0.0.1:8000", "http://10.0.0.2:8000")
    assert "--host 10.0.0.1 --port 8000" in one["unit"]


def test_behind_a_front_the_host_chooses_the_port_and_the_address_is_no_part_of_the_unit(
    tmp_path: Path,
) -> None:
    one, two = (release_vars(spec(tmp_path, LLAMA), address) for address in ("10.0.0.1", "10.0.0.2"))
    assert one["unit"] == two["unit"]
    assert "--host 127.0.0.1 --port {port}" in one["unit"]
    assert (one["listen"], one["slot_ports"]) == ("10.0.0.1:8000", [18000, 18001])
