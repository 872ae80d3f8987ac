"""What a measurement says of engine, model, host and GPUs, and that digests tell two apart and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import build
from edgectl.remote.bench.environment import digest, environment, host
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.power import is_here
from tests.remote.bench_engine import IS_MISSING, KEY, WANTED, engine
from tests.remote.bench_server import TruthServer

_GPU = {"name": "RTX", "uuid": "GPU-1", "vbios": "97.02", "power_limit_w": 600.0, "power_w": {"mean": 300.0}}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with engine(tmp_path_factory.mktemp("engine")) as served:
        yield served


def _seen(url: str, model: str = "lab", power: dict[str, Any] | None = None) -> dict[str, Any]:
    load = build(Load, {"url": url, "api_key": KEY, "concurrency": 1, "requests": 1})
    return environment(load, model, power)


@pytest.mark.skipif(IS_MISSING, reason=WANTED)
def test_an_engine_says_which_it_is_and_its_digest_stays_the_same(url: str) -> None:
    first, again = _seen(url), _seen(url)

    assert first["engine"]["build_info"]
    assert first["model"]["id"] == "lab"
    assert first["digests"] == again["digests"]
    assert set(first["digests"]) == {"engine", "model", "host"}


def test_a_server_that_says_nothing_of_itself_has_no_digest() -> None:
    server = TruthServer()
    found = _seen(server.url, model="none")
    server.close()

    assert (found["engine"], found["model"]) == (None, None)
    assert set(found["digests"]) == {"host"}


def test_cards_are_told_apart_and_what_they_drew_is_no_part_of_them() -> None:
    def of(gpu: dict[str, Any]) -> str:
        found = _seen("http://127.0.0.1:1", power={"driver_version": "580.1", "gpus": [gpu]})
        return str(found["digests"]["gpus"])

    assert of(_GPU) == of({**_GPU, "power_w": {"mean": 500.0}})
    assert of(_GPU) != of({**_GPU, "vbios": "97.03"})


def test_a_host_is_its_kernel_processor_and_governor(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: EPYC 9555\n")
    folder = tmp_path / "sys/devices/system/cpu/cpu0/cpufreq"
    folder.mkdir(parents=True)
    (folder / "scaling_governor").write_text("powersave\n")

    found = host(str(tmp_path))

    assert (found["cpu"], found["governor"]) == ("EPYC 9555", "powersave")
    assert digest(found) != digest({**found, "governor": "performance"})


def test_only_a_server_of_this_host_has_its_gpus() -> None:
    assert is_here("127.0.0.1")
    assert not is_here("192.0.2.1")
    assert not is_here("no.such.host.invalid")
