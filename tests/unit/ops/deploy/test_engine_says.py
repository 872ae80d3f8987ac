from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.ops.deploy.engine_says import Said, said_in, starts_of
from edgectl.ops.deploy.fit import GIB, fit, need_of, overhead
from edgectl.ops.deploy.lock import Lock
from edgectl.ops.deploy.release import engine_digest, model_digest
from tests.fakes.clock import START
from tests.unit.ops.deploy.specs import VLLM, spec

# gateway-api-inference-extension PR 550, by vLLM's first engine.
FIRST = (
    "INFO worker.py:267] the current vLLM instance can use total_gpu_memory (79.19GiB) x gpu_memory_utilization"
    " (0.90) = 71.27GiB\n"
    "INFO worker.py:267] model weights take 12.55GiB; non_torch_memory takes 0.16GiB; PyTorch activation peak"
    " memory takes 2.38GiB; the rest of the memory reserved for KV Cache is 56.18GiB.\n"
    "INFO model_runner.py:1518] Graph capturing finished in 21 secs, took 0.55 GiB\n"
)
TODAY = """\
Started edgectl-chat-a.service - edgectl model service chat.
INFO gpu_model_runner.py:2007] Model loading took 99.0000 GiB and 3.1 seconds
Started edgectl-chat-a.service - edgectl model service chat.
(Worker_TP0) INFO gpu_model_runner.py:2007] Model loading took 14.5000 GiB and 12.3 seconds
(Worker_TP1) INFO gpu_model_runner.py:2007] Model loading took 14.6000 GiB and 12.4 seconds
(Worker_TP0) INFO gpu_worker.py:298] Available KV cache memory: 65.20 GiB
(Worker_TP1) INFO gpu_worker.py:298] Available KV cache memory: 65.00 GiB
INFO gpu_model_runner.py:2950] Graph capturing finished in 9 secs, took 1.25 GiB
"""
_RTX = load_catalog().hardware("rtx-pro-6000-server-8").gpu


def gib(value: float) -> int:
    return int(value * GIB)


def test_what_the_first_engine_said_is_read() -> None:
    assert said_in(FIRST.splitlines()) == Said(gib(12.55), gib(2.38), gib(0.55), gib(0.16), None)


def test_of_several_starts_the_last_counts_and_of_several_gpus_the_one_that_took_most() -> None:
    assert said_in(TODAY.splitlines()) == Said(weights=gib(14.6), graphs=gib(1.25), cache=gib(65.0))


@pytest.mark.parametrize("text", ["", "llama_model_load: ok", "Model loading took 14.5 GiB and 1 seconds"])
def test_from_an_engine_that_says_too_little_nothing_is_learned(tmp_path: Path, text: str) -> None:
    lock = Lock(spec(tmp_path, VLLM))
    assert _RTX is not None
    assert starts_of(lock, need_of(lock), {"n1": _RTX}, {"n1": text.splitlines()}, START) == []


def test_what_was_learned_is_what_the_next_fit_expects(tmp_path: Path) -> None:
    lock = Lock(spec(tmp_path, VLLM))
    need = replace(need_of(lock), weights_bytes=gib(14.6))
    assert _RTX is not None
    logs = {"n1": TODAY.splitlines(), "unknown": TODAY.splitlines()}
    (start,) = starts_of(lock, need, {"n1": _RTX}, logs, START)

    assert (start.model, start.engine) == (model_digest(lock.spec), engine_digest(lock.spec))
    beside = overhead([start], "rtx-pro-6000-server")
    found = fit(need, _RTX.memory_mib * 2**20, beside)
    assert found.spare_bytes + found.cache_bytes == pytest.approx(gib(65.0 - 1.25), abs=10)
