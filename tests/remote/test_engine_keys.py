"""An engine that wants a key: whoever asks it at its host has the key from where its unit reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgectl.ops.deploy.made_secrets import environment_text
from edgectl.remote.tasks import _serving
from edgectl.remote.tasks._adapters import Adapters
from edgectl.remote.tasks._engine_at import EngineAt, key_in
from tests.remote.test_adapters import an_adapter, engine

_KEY = "key-of-the-test"
_PROMPTS = [{"ask": "Hello.", "golden": "one two"}]
_WATCH = Path(__file__).parents[2] / "playbooks/files/watch.py"


def test_an_engine_is_asked_with_its_key_for_tokens_a_smoke_test_and_adapters(tmp_path: Path) -> None:
    law = an_adapter(tmp_path, "law", "lex")
    with engine(tmp_path, key=_KEY) as at:
        assert _serving.await_tokens(at, "tiny", 5.0, lambda: "") == ""
        assert _serving.smoke(at, "tiny", _PROMPTS, 16, stream=True)[0] == ""
        assert Adapters(at, "vllm").bring({"law": law}) == ""
        assert _serving.token_of(at, "law") == ""
        assert not at.refuses_the_key(5.0)


def test_an_engine_of_another_key_refuses_and_no_answer_tells_the_key(tmp_path: Path) -> None:
    with engine(tmp_path, key=_KEY) as at:
        other = EngineAt(at.url, "Unauthorized")
        said, _ = _serving.smoke(other, "tiny", _PROMPTS, 16, stream=False)
        assert said.startswith("the smoke test got 401: ")
        assert "Unauthorized" not in said
        assert other.refuses_the_key(5.0)
        assert _KEY not in repr(at)


@pytest.mark.parametrize("key", [_KEY, 'q"u$o\\te`d', "of two words", "sk-AZ_09.:/+=@%,", "a'b"])
def test_a_key_is_read_as_it_was_written(tmp_path: Path, key: str) -> None:
    path = tmp_path / "chat.env"
    path.write_text(environment_text({"OTHER": f'x\nVLLM_API_KEY="{key}"', "VLLM_API_KEY": key, "LAST": "z"}))
    assert key_in(str(path), "VLLM_API_KEY") == key


@pytest.mark.parametrize("text", ["", "OTHER=x\n", "VLLM_API_KEY=\n", 'VLLM_API_KEY="a\nb"\n'])
def test_what_no_header_can_carry_is_no_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "chat.env"
    path.write_text(text)
    assert key_in(str(path), "VLLM_API_KEY") == key_in(str(path), "") == ""
    assert key_in(str(tmp_path / "none"), "VLLM_API_KEY") == ""


@pytest.mark.parametrize(
    ("key", "other", "gives"),
    [
        pytest.param(_KEY, "", True, id="its key"),
        pytest.param("wrong", "", True, id="another key is an answer"),
        pytest.param(_KEY, "mute", False, id="no token"),
    ],
)
def test_the_watch_program_asks_with_the_key_of_its_environment(
    tmp_path: Path, key: str, other: str, gives: bool
) -> None:
    with engine(tmp_path, key=_KEY, fault=other) as at:
        code = (
            "import sys, os, json; sys.path.insert(0, sys.argv[1]); import watch;"
            "print(json.dumps(watch._gives_a_token(sys.argv[2], 'tiny', os.environ['VLLM_API_KEY'], 5.0)))"
        )
        words = [sys.executable, "-B", "-c", code, str(_WATCH.parent), at.url]
        done = subprocess.run(
            words, env={**os.environ, "VLLM_API_KEY": key}, stdout=subprocess.PIPE, check=True
        )
    assert json.loads(done.stdout) is gives
