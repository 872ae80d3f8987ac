"""Power, clocks and throttling over the measured window, from an NVML that plays them, and the energy of a token."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.bench.power import integral_j, summed
from tests.nvml.scenario import COMPILER, NO_COMPILER, Scene
from tests.remote.bench_server import TruthServer, run_client

_S = 10**9


@pytest.fixture(scope="module")
def server() -> Iterator[TruthServer]:
    made = TruthServer()
    yield made
    made.close()


def _every(step_s: float, until_s: float, watts: float = 200.0) -> list[tuple[int, float]]:
    return [(round(place * step_s * _S), watts) for place in range(int(until_s / step_s) + 1)]


def test_a_constant_power_is_power_times_time() -> None:
    assert integral_j(_every(0.1, 20), 5 * _S, 15 * _S) == pytest.approx(2000)


def test_a_window_begins_and_ends_between_samples() -> None:
    rising = [(at_s * _S, 100.0 * at_s) for at_s in range(11)]

    assert integral_j(rising, int(2.5 * _S), int(7.5 * _S)) == pytest.approx(100 * (7.5**2 - 2.5**2) / 2)


def test_a_window_shorter_than_a_sample_has_what_lies_between() -> None:
    assert integral_j([(0, 100.0), (_S, 300.0)], int(0.4 * _S), int(0.6 * _S)) == pytest.approx(40)


@pytest.mark.parametrize(
    ("lost_from_s", "lost_until_s", "is_known"),
    [(4, 6, True), (4, 7.5, False), (0, 3.5, False), (16.5, 20, False)],
)
def test_what_was_drawn_in_a_long_gap_is_not_known(
    lost_from_s: float, lost_until_s: float, is_known: bool
) -> None:
    kept = [sample for sample in _every(0.5, 20) if not lost_from_s * _S <= sample[0] <= lost_until_s * _S]

    found = integral_j(kept, 0, 20 * _S)

    assert (found is not None) == is_known
    assert found is None or found == pytest.approx(4000)


def test_no_sample_is_no_energy() -> None:
    assert integral_j([], 0, _S) is None
    assert integral_j([(0, 1.0)], _S, _S) is None


def _sample(at_s: float, **readings: Any) -> dict[str, Any]:
    given = {
        "power_w": 300.0, "clock_sm_mhz": 2400, "clock_memory_mhz": 1400, "temperature_c": 60,
        "utilization_percent": 90, "event_reasons": 0,
    }  # fmt: skip
    return {"at_ns": round(at_s * _S), **given, **readings}


def _found(*gpus: list[dict[str, Any]]) -> Mapping[str, Any]:
    named = {"name": "G", "uuid": "GPU-1", "vbios": "97", "power_limit_w": 600.0}
    return summed({"driver_version": "580", "gpus": [{**named, "samples": gpu} for gpu in gpus]}, 0, 10 * _S)


def test_what_slowed_a_gpu_down_is_a_share_of_the_window() -> None:
    samples = [_sample(second, event_reasons=0x4 if second < 3 else 0x1) for second in range(11)]

    (gpu,) = _found(samples)["gpus"]

    assert gpu["throttled"] == {"sw_power_cap": pytest.approx(3 / 11, abs=1e-4)}


def test_the_joules_of_all_gpus_are_added_and_one_unknown_makes_the_sum_unknown() -> None:
    whole = [_sample(second) for second in range(11)]

    assert _found(whole, whole)["energy_j"] == 6000
    assert _found(whole, [])["energy_j"] is None
    assert _found(whole, [_sample(second, power_w=None) for second in range(11)])["energy_j"] is None


@pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
def test_a_measurement_at_a_host_with_gpus_says_what_a_token_took(
    server: TruthServer, tmp_path: Path
) -> None:
    scene = Scene(tmp_path, gpus=2, faults={"gpu0.power_mw": "300000", "gpu1.power_mw": "100000"})
    given: dict[str, Any] = {"rate": 20, "duration_s": 1.5, "arrivals": "constant", "output_tokens": 5}
    power = run_client(server.url, environment=scene.environment(), **given)["bench"]["power"]

    assert power["driver_version"].startswith("580")
    assert [gpu["power_w"]["mean"] for gpu in power["gpus"]] == [300, 100]
    # 30 requests of 5 tokens, from the first one's moment until the last one's end.
    assert 400 * 1.4 < power["energy_j"] < 400 * 2.5
    assert power["joules_per_token"] == pytest.approx(power["energy_j"] / 150, abs=1e-3)


@pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
def test_a_driver_that_hangs_holds_up_no_measurement(server: TruthServer, tmp_path: Path) -> None:
    scene = Scene(tmp_path, faults={"gpu0.power_mw": "hang"})
    seen = run_client(server.url, environment=scene.environment(), concurrency=1, requests=5)["bench"]

    assert seen["requests"]["ok"] == 5
    assert seen["power"] == {"error": "the driver did not answer in time", "joules_per_token": None}


@pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
def test_a_driver_that_refuses_is_quoted(server: TruthServer, tmp_path: Path) -> None:
    scene = Scene(tmp_path, faults={"init": "9"})
    seen = run_client(server.url, environment=scene.environment(), concurrency=1, requests=3)["bench"]

    assert seen["power"] == {"error": "Driver Not Loaded", "joules_per_token": None}


def test_a_host_without_nvml_has_no_power(server: TruthServer) -> None:
    assert run_client(server.url, concurrency=1, requests=1)["bench"]["power"] is None


def test_a_swinging_load_is_within_a_hundredth() -> None:
    samples = [(round(at * _S / 10), 300 + 200 * math.sin(at / 30)) for at in range(601)]

    assert integral_j(samples, 0, 60 * _S) == pytest.approx(300 * 60 + 600 * (1 - math.cos(20)), rel=0.01)
