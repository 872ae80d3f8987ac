from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.remote.host import path_with, program, run_module

GPU = """
GPU 00000000:1B:00.0
    Product Name                          : NVIDIA B200
    Fabric
        State                             : {state}
        Status                            : {status}
        CliqueId                          : 0
"""


def fabric(folder: Path, *answers: str, within: float = 0.1, gpus: int = 2) -> Any:
    """Ask a stand-in that gives the next answer each time, and the last one for ever."""
    for number, answer in enumerate(answers):
        (folder / f"answer{number}").write_text(answer)
    (folder / "turn").write_text("0")
    program(
        folder / "bin",
        "nvidia-smi",
        f"""
        #!/bin/sh
        turn=$(cat {folder}/turn)
        cat {folder}/answer$turn
        [ -e {folder}/answer$((turn + 1)) ] && echo $((turn + 1)) > {folder}/turn
        exit 0
        """,
    )
    return run_module("gpu_fabric", {"gpus": gpus, "within": within}, environment=path_with(folder / "bin"))


def said(*states: tuple[str, str]) -> str:
    return "".join(GPU.format(state=state, status=status) for state, status in states)


DONE = ("Completed", "Success")


def test_gpus_that_have_joined_are_well(tmp_path: Path) -> None:
    done = fabric(tmp_path, said(DONE, DONE))

    assert (done.failed, done.changed, done.values["states"]) == (False, False, ["Completed, Success"] * 2)


def test_a_fabric_that_trains_is_waited_for(tmp_path: Path) -> None:
    assert not fabric(tmp_path, said(DONE, ("In Progress", "N/A")), said(DONE, DONE), within=20).failed


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (said(DONE, ("In Progress", "N/A")), "not in the fabric: GPU 1: In Progress, N/A"),
        (said(DONE, ("Completed", "Insufficient Resources")), "GPU 1: Completed, Insufficient Resources"),
        (said(DONE), "1 GPUs tell of a fabric, 2 should"),
        ("", "0 GPUs tell of a fabric, 2 should"),
    ],
)
def test_a_gpu_that_has_not_joined_is_a_failure_though_nvidia_smi_is_fine(
    tmp_path: Path, answer: str, reason: str
) -> None:
    assert reason in fabric(tmp_path, answer).msg


def test_what_is_final_is_not_waited_for(tmp_path: Path) -> None:
    assert fabric(tmp_path, said(DONE, ("Completed", "Failure")), within=1000).failed
