"""LoRA adapters in an engine that runs: loaded, replaced in place, unloaded, and what is left when it refuses."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgectl.remote.tasks import _serving
from edgectl.remote.tasks._adapters import Adapters
from edgectl.remote.tasks._engine_at import EngineAt

_ENGINE = Path(__file__).parents[1] / "hosts/scripted_engine.py"


@contextmanager
def engine(
    folder: Path, *words: str, updating: bool = True, key: str = "", fault: str = ""
) -> Iterator[EngineAt]:
    """Start the scripted engine as vLLM is started, and return where it is."""
    (folder / "model").mkdir()
    (folder / "model/model.bin").write_text(json.dumps({"says": "one two three", "fault": fault}))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    where = ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", "tiny"]
    allowed = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"} if updating else {}
    command = [sys.executable, str(_ENGINE), "serve", str(folder / "model"), *where, *words]
    wants = {"VLLM_API_KEY": key} if key else {}
    process = subprocess.Popen(command, env={**os.environ, **allowed, **wants})
    url = EngineAt(f"http://127.0.0.1:{port}", key)
    try:
        assert _serving.wait_ready(url, 10.0, lambda: "") == ""
        yield url
    finally:
        process.kill()
        process.wait()


def an_adapter(folder: Path, name: str, says: str, **more: str) -> str:
    place = folder / f"{name}-{says}"
    place.mkdir()
    (place / "adapter.bin").write_text(json.dumps({"says": says, **more}))
    return str(place)


def test_adapters_come_are_replaced_and_go_while_the_engine_runs(tmp_path: Path) -> None:
    law, other, med = (an_adapter(tmp_path, *one) for one in (("law", "lex"), ("law", "ius"), ("med", "cor")))
    with engine(tmp_path, "--lora-modules", f"law={law}") as url:
        adapters = Adapters(url, "vllm")
        assert adapters.loaded() == {"law": law}
        assert adapters.bring({"law": other, "med": med}) == ""
        assert adapters.loaded() == {"law": other, "med": med}
        assert [_serving.token_of(url, name) for name in ("tiny", "law", "med")] == ["", "", ""]
        assert adapters.bring({"med": med}) == ""
        assert "law gave no token: 404" in _serving.token_of(url, "law")


def test_what_the_engine_refuses_is_said_and_the_others_stay(tmp_path: Path) -> None:
    law, bad = an_adapter(tmp_path, "law", "lex"), an_adapter(tmp_path, "bad", "x", fault="unloadable")
    with engine(tmp_path, "--lora-modules", f"law={law}") as url:
        adapters = Adapters(url, "vllm")
        assert "the engine does not load bad: " in adapters.bring({"bad": bad})
        assert adapters.loaded() == {"law": law}


def test_an_engine_that_takes_none_while_it_runs_says_so(tmp_path: Path) -> None:
    law = an_adapter(tmp_path, "law", "lex")
    with engine(tmp_path, updating=False) as url:
        assert "the engine does not load law" in Adapters(url, "vllm").bring({"law": law})
    assert Adapters(url, "vllm").bring({}) == "the engine does not say which adapters it has"


def test_an_adapter_is_never_without_service_while_another_takes_its_place(tmp_path: Path) -> None:
    law, other = an_adapter(tmp_path, "law", "lex"), an_adapter(tmp_path, "law", "ius")
    with engine(tmp_path, "--lora-modules", f"law={law}") as url:
        assert "does not put an adapter in the place of another" in Adapters(url, "sglang").bring(
            {"law": other}
        )
        assert Adapters(url, "vllm").loaded() == {"law": law}
