"""The real pynvml over a small library of our own, in a process that finds it where the loader looks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).with_name("test_gpu_nvml_library.c")
COMPILER = shutil.which("cc") or shutil.which("gcc")
ROOT = Path(__file__).parents[2]
# The second collector is not on this PATH, so what NVML does not tell is the kernel's.
PROGRAM = """
import json, os
os.environ["PATH"] = "/nonexistent"
from edgectl.remote.gpu.collect import collect
print(json.dumps(collect(deadline_s=1.0)))
"""
Ask = Callable[[str], dict[str, Any]]

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler: apt-get install gcc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("nvml")
    library = str(made / "libnvidia-ml.so.1")
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", library, str(SOURCE)], check=True)
    return made


@pytest.fixture
def ask(folder: Path) -> Ask:
    def asked(fault: str = "") -> dict[str, Any]:
        environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(folder),
            "EDGECTL_TEST_NVML": fault,
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return asked


def test_each_reading_is_a_value_or_says_why_it_has_none(ask: Ask) -> None:
    found = ask("")

    gpu = found["gpus"][0]
    assert (found["collector"], found["driver_version"]) == ("nvml", "580.105.08")
    assert (gpu["index"], gpu["uuid"], gpu["temperature_c"]) == (0, "GPU-1c8e", 36)
    # Four different counts, so that none can stand in for another.
    assert (gpu["ecc_volatile_corrected"], gpu["ecc_aggregate_corrected"]) == (1, 2)
    assert (gpu["ecc_volatile_uncorrected"], gpu["ecc_aggregate_uncorrected"]) == (11, 12)
    assert (gpu["remapped_rows_corrected"], gpu["remapped_rows_uncorrected"]) == (7, 2)
    assert (gpu["remap_pending"], gpu["remap_failure"]) == (True, False)


def test_field_values_are_read_by_their_own_type_and_return_code(ask: Ask) -> None:
    gpu = ask("")["gpus"][0]

    assert (gpu["recovery_action"], gpu["slowdown_margin_c"]) == ("node-reboot", -2.0)
    assert gpu["hw_thermal_slowdown_us"] == 5000
    assert "hw_power_brake_us" in gpu["unread"]["unsupported"]


def test_a_function_that_the_driver_lacks_is_unsupported_and_the_older_one_is_asked(ask: Ask) -> None:
    gpu = ask("")["gpus"][0]

    assert gpu["clocks_event_reasons"] == ["hw_slowdown", "hw_thermal_slowdown"]
    assert {"serial", "mig_mode", "pcie_width", "memory_total_mib"} <= set(gpu["unread"]["unsupported"])
    assert gpu["memory_total_mib"] is None


def test_an_unknown_error_of_one_reading_is_that_readings_error(ask: Ask) -> None:
    gpu = ask("")["gpus"][0]

    assert set(gpu["unread"]["error"]) == {"power_w"}
    assert gpu["state"] == "ok"


def test_a_lost_gpu_stays_in_the_list_under_its_index(ask: Ask) -> None:
    lost = ask("")["gpus"][1]

    assert (lost["index"], lost["state"]) == (1, "lost")


@pytest.mark.parametrize("code", [9, 18, 999])
def test_a_library_that_does_not_start_gives_its_code_and_the_next_is_asked(ask: Ask, code: int) -> None:
    found = ask(str(code))

    first = found["attempts"][0]
    assert (first["collector"], first["code"]) == ("nvml", code)
    assert (len(found["attempts"]), found["collector"]) == (2, "kernel")


def test_a_library_that_hangs_ends_the_asking_at_the_deadline(ask: Ask) -> None:
    found = ask("hang")

    assert [(one["collector"], one["hung"]) for one in found["attempts"]] == [("nvml", True)]
    assert found["collector"] == "kernel"
    assert found["seconds"] < 5


def test_a_library_that_crashes_takes_only_its_own_process_along(ask: Ask) -> None:
    found = ask("crash")

    assert [one["collector"] for one in found["attempts"]] == ["nvml", "nvidia-smi"]
    assert "died" in found["attempts"][0]["error"]
