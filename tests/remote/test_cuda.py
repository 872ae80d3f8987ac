"""Programs of our own on GPUs: a stand-in of the driver's library runs them, NVIDIA's own assembler reads them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.cuda.kernels import PTX
from tests.nvml.branches import COMPILER, NO_COMPILER, build, build_cuda

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
_ROOT = Path(__file__).parents[2]
_A, _B = (f"GPU-0000000{n}-0000-0000-0000-000000000000" for n in (1, 2))
_PROGRAM = """
import json, sys
from tests.remote.host import run_module
result = run_module(sys.argv[1], json.loads(sys.argv[2]))
print(json.dumps({"failed": result.failed, "msg": result.msg, **result.values}))
"""


def _state(folder: Path, *lines: str) -> Path:
    path = folder / "state"
    gpus = [f"gpu{number}.uuid={uuid}" for number, uuid in enumerate((_A, _B))]
    gpus += [
        f"gpu{number}.ecc.volatile.{kind}=0" for number in (0, 1) for kind in ("corrected", "uncorrected")
    ]
    path.write_text("\n".join(["driver=580.105.08", *gpus, *lines]) + "\n")
    return path


def _ran(folder: Path, module: str, given: dict[str, Any], *lines: str) -> dict[str, Any]:
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": f"{build('580')}:{build_cuda()}",
        "EDGECTL_MOCK_NVML": str(_state(folder, *lines)),
    }
    words = [sys.executable, "-c", _PROGRAM, module, json.dumps(given)]
    done = subprocess.run(words, env=environment, cwd=_ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _test(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(test for test in found["tests"] if test["name"] == name)


def test_healthy_gpus_compute_copy_at_their_speed_and_reach_each_other(tmp_path: Path) -> None:
    given = {"count": 2, "memory_bandwidth_gbs": 1110, "peers": True}
    found = _ran(tmp_path, "cuda_check", given, "gpu1.cuda.gbs=1400")

    assert not found["failed"]
    assert [test["name"] for test in found["tests"]] == [
        "CUDA on every GPU",
        "memory bandwidth",
        "bandwidth to the GPU",
        "bandwidth from the GPU",
        "GPU to GPU",
    ]
    memory = _test(found, "memory bandwidth")
    assert memory["figures"] == {_A: pytest.approx(1478, rel=0.01), _B: pytest.approx(1400, rel=0.01)}
    assert (memory["value"], memory["threshold"]) == (memory["figures"][_B], 1110)
    assert _test(found, "GPU to GPU")["value"] == "2 of 2 pairs read each other's memory"


@pytest.mark.parametrize(
    ("line", "more", "why"),
    [
        ("gpu1.cuda.gbs=812", {}, f"memory bandwidth: 812 GB/s on {_B}, floor 1,110, cohort median 1,478"),
        ("gpu1.cuda.gbs=1390", {}, f"memory bandwidth: 1,390 GB/s on {_B}, floor 1,110, cohort median 1,478"),
        ("gpu1.cuda.add=wrong", {}, f"CUDA on every GPU: {_B} computes wrongly"),
        ("gpu1.cuda.add=hang", {"deadline": 1}, "CUDA on every GPU: no answer within 1 s"),
        ("cuda.init=802", {}, "CUDA on every GPU: cuInit: system not yet initialized (802)"),
        ("gpu2.uuid=GPU-00000003", {}, "CUDA on every GPU: CUDA sees 3 GPUs, 2 are in the node"),
        ("gpu1.cuda.peers=lies", {}, f"{_B} reads other numbers from {_A} than lie there"),
        ("gpu1.cuda.peers=none", {}, "GPU to GPU: 0 of 2 pairs read each other's memory"),
    ],
)
def test_what_a_gpu_cannot_do_is_a_failure_with_its_name_and_figure(
    tmp_path: Path, line: str, more: dict[str, Any], why: str
) -> None:
    cohort = {"memory bandwidth": {"median": 1478, "hosts": 12}}
    given = {"count": 2, "memory_bandwidth_gbs": 1110, "peers": True, "cohort": cohort, **more}
    found = _ran(tmp_path, "cuda_check", given, line)

    assert (found["failed"], why in found["msg"]) == (True, True), found


def test_a_figure_that_somebody_answers_for_is_on_record_and_no_failure(tmp_path: Path) -> None:
    given = {"count": 2, "memory_bandwidth_gbs": 1110, "waived": ["memory bandwidth"]}
    found = _ran(tmp_path, "cuda_check", given, "gpu0.cuda.gbs=812")

    assert not found["failed"]
    assert not _test(found, "memory bandwidth")["passed"]


def test_a_burn_in_in_which_nothing_went_wrong_says_for_how_long_and_how_hard(tmp_path: Path) -> None:
    found = _ran(tmp_path, "burn_in", {"seconds": 0.3})

    (test,) = found["tests"]
    assert (found["failed"], test["value"].endswith("on 2 GPUs; nothing went wrong")) == (False, True)
    assert test["grown"]["ecc_volatile_uncorrected"] == 0
    assert all(gpu["passes"] > 1 and gpu["wrong"] == 0 for gpu in test["gpus"])


def test_one_number_that_comes_out_wrong_fails_the_burn_in(tmp_path: Path) -> None:
    found = _ran(tmp_path, "burn_in", {"seconds": 0.3}, "gpu1.cuda.burn=1")

    assert found["failed"]
    assert "numbers came out wrong" in found["msg"]


def test_a_node_whose_counters_nobody_tells_has_not_passed(tmp_path: Path) -> None:
    found = _ran(tmp_path, "burn_in", {"seconds": 0.1}, "init=9")

    assert "neither NVML nor nvidia-smi tells the counters" in found["msg"]


def test_no_kernel_library_is_a_failure_in_words() -> None:
    words = [sys.executable, "-c", _PROGRAM, "cuda_check", json.dumps({"count": 2})]
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    if shutil.which("nvidia-smi"):
        pytest.skip("this machine has NVIDIA's own library")
    done = subprocess.run(words, env=environment, cwd=_ROOT, capture_output=True, text=True, check=True)

    assert "libcuda.so.1 is not there" in json.loads(done.stdout)["msg"]


@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_89", "sm_90", "sm_100", "sm_103", "sm_120"])
def test_nvidia_s_assembler_takes_our_programs_for_every_architecture(
    tmp_path: Path, architecture: str
) -> None:
    ptxas = _ptxas()
    (tmp_path / "kernels.ptx").write_text(PTX)
    words = [str(ptxas), f"-arch={architecture}", "--warning-as-error", "-o", "/dev/null", "kernels.ptx"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def _ptxas() -> Path:
    for place in ("cu13/bin/ptxas", "cuda_nvcc/bin/ptxas"):
        for folder in sys.path:
            path = Path(folder) / "nvidia" / place
            if path.is_file():
                return path
    pytest.skip("needs NVIDIA's assembler: pip install nvidia-cuda-nvcc")
