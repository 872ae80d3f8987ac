"""A driver that hangs, crashes or disagrees: an answer in time, what the kernel knows in it, nothing left behind."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.gpu import alone
from edgectl.remote.health.fit import LIMIT_BYTES
from tests.nvml.scenario import COMPILER, NO_COMPILER, BlueField, Machine, Scene, answer
from tests.nvml.skus import address
from tests.remote.host import program, tree

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
FALLEN = "NVRM: Xid (PCI:0000:51:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."


def processes_with(text: str) -> list[int]:
    """Return the processes whose environment names a scene's folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if text.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:  # another's, or already gone
            continue
    return found


def until(holds: Callable[[], bool], timeout_s: float = 20) -> None:
    give_up = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < give_up:
        time.sleep(0.01)


@pytest.mark.parametrize(
    "faults",
    [
        {"init": "hang"},
        {"fn.nvmlDeviceGetName": "hang"},
        {"gpu1.nvmlDeviceGetFieldValues": "hang"},
        {"fn.nvmlDeviceGetSerial.delay_ms": "60000"},
    ],
)
def test_a_driver_that_hangs_is_given_up_in_time_and_no_process_is_left(
    tmp_path: Path, faults: dict[str, str]
) -> None:
    scene = Scene(tmp_path, gpus=2, faults=faults, log=[FALLEN], deadline_s=0.7)
    began = time.monotonic()

    found = scene.collect()

    assert time.monotonic() - began < 10
    assert [(one["collector"], one["hung"]) for one in found["attempts"]] == [("nvml", True)]
    assert found["collector"] == "kernel"
    assert [(gpu["pci_bus_id"], gpu["state"]) for gpu in found["gpus"]] == [
        (f"0000{address(0)}", "ok"),
        (f"0000{address(1)}", "lost"),
    ]
    assert ([xid["code"] for xid in found["xids"]], found["machine"]["zombies"]) == ([79], 0)
    assert processes_with(str(tmp_path)) == []


@pytest.mark.parametrize(("fault", "signal"), [("abort", "SIGABRT"), ("segfault", "SIGSEGV")])
@pytest.mark.parametrize("where", ["init", "gpu0.nvmlDeviceGetTotalEccErrors"])
def test_a_library_that_crashes_is_an_attempt_with_its_signal_and_nvidia_smi_is_asked(
    tmp_path: Path, fault: str, signal: str, where: str
) -> None:
    found = Scene(tmp_path, faults={where: fault}, log=[FALLEN]).collect()

    (attempt,) = found["attempts"]
    assert (attempt["collector"], attempt["hung"]) == ("nvml", False)
    assert signal in attempt["error"]
    assert (found["machine"]["zombies"], processes_with(str(tmp_path))) == (0, [])
    assert ([xid["code"] for xid in found["xids"]], len(found["pci_gpus"])) == ([79], 1)
    assert (found["collector"], found["gpus"][0]["temperature_c"]) == ("nvidia-smi", 34.0)


def test_a_driver_that_is_not_loaded_is_told_with_its_code(tmp_path: Path) -> None:
    scene = Scene(tmp_path, faults={"init": "9"}, machine=Machine(driver=""), smi="#!/bin/sh\nexit 9\n")
    found = scene.collect()

    assert [(one["collector"], one["code"]) for one in found["attempts"]] == [("nvml", 9), ("nvidia-smi", 9)]
    assert (found["driver_version"], found["library_version"]) == (None, "580.105.08")
    assert [gpu["driver"] for gpu in found["pci_gpus"]] == [""]


@pytest.mark.parametrize("code", [9, 18, 999])
def test_a_library_that_does_not_start_gives_its_code_and_the_next_is_asked(
    tmp_path: Path, code: int
) -> None:
    found = Scene(tmp_path, faults={"init": str(code)}).collect()

    assert [(one["collector"], one["code"]) for one in found["attempts"]] == [("nvml", code)]
    assert found["collector"] == "nvidia-smi"


def test_a_library_that_is_not_installed_is_code_12_and_nvidia_smi_is_asked(tmp_path: Path) -> None:
    found = Scene(tmp_path, library=False).collect()

    assert [(one["collector"], one["code"]) for one in found["attempts"]] == [("nvml", 12)]
    assert (found["collector"], found["library_version"]) == ("nvidia-smi", None)


def test_a_library_of_another_version_than_the_driver_is_seen_without_asking_either(tmp_path: Path) -> None:
    scene = Scene(
        tmp_path,
        branch="580",
        faults={"init": "18"},
        machine=Machine(driver="570.172.08"),
        smi="#!/bin/sh\nexit 18\n",
        log=[FALLEN],
    )
    found = scene.collect()

    assert [one["code"] for one in found["attempts"]] == [18, 18]
    assert (found["driver_version"], found["library_version"]) == ("570.172.08", "580.105.08")
    assert ([xid["code"] for xid in found["xids"]], len(found["pci_gpus"])) == ([79], 1)
    assert processes_with(str(tmp_path)) == []


def test_three_counts_of_gpus_are_told_apart(tmp_path: Path) -> None:
    machine = Machine(missing=(2,), untaken=(1,))
    found = Scene(tmp_path, gpus=3, machine=machine, faults={"gpu1.uuid": None}).collect()

    told = [len(found[name]) for name in ("pci_gpus", "proc_gpus", "gpus")]
    assert told == [2, 1, 1]


def found_while_held(scene: Scene, said: str) -> dict[str, Any]:
    scene.lock.mkdir()
    with (scene.lock / "gpu-driver.lock").open("w", encoding="ascii") as held:
        held.write(said)
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        return scene.collect()


def test_while_an_earlier_process_waits_for_the_driver_no_second_one_is_sent(tmp_path: Path) -> None:
    found = found_while_held(Scene(tmp_path), f"4242 {time.time() - 60:.3f}")

    (attempt,) = found["attempts"]
    assert (attempt["hung"], found["collector"]) == (True, "kernel")
    assert "process 4242" in attempt["error"]
    assert found["seconds"] < 10


def test_a_look_that_is_only_slow_is_waited_for_and_is_no_driver_that_hangs(tmp_path: Path) -> None:
    scene = Scene(tmp_path, overall_s=2.0)
    found = found_while_held(scene, f"4242 {time.time() + 60:.3f}")

    assert [(one["collector"], one["hung"]) for one in found["attempts"]] == [
        ("nvml", False),
        ("nvidia-smi", False),
    ]
    assert (found["collector"], "is asking" in found["attempts"][0]["error"]) == ("kernel", True)


def test_without_a_folder_of_our_own_there_is_no_lock_and_still_an_answer() -> None:
    assert alone.take(["/proc/nowhere"], 1.0, 1.0) is None


def test_two_collectors_at_once_take_turns_at_the_driver_and_both_answer(tmp_path: Path) -> None:
    scene = Scene(tmp_path, faults={"fn.nvmlInitWithFlags.delay_ms": "300"}, deadline_s=10.0)
    began = time.monotonic()

    found = [answer(process) for process in [scene.start(), scene.start()]]

    assert [one["collector"] for one in found] == ["nvml", "nvml"]
    assert time.monotonic() - began > 0.6


def test_a_collector_that_is_killed_takes_its_process_at_the_driver_along(tmp_path: Path) -> None:
    scene = Scene(tmp_path, faults={"init": "hang"}, deadline_s=60.0)
    process = scene.start()
    lock = scene.lock / "gpu-driver.lock"
    until(
        lambda: lock.exists() and lock.read_text(encoding="ascii").split()[:1] not in ([], [str(process.pid)])
    )

    process.kill()
    process.communicate()

    until(lambda: processes_with(str(tmp_path)) == [])
    assert processes_with(str(tmp_path)) == []


def test_a_network_card_whose_firmware_does_not_answer_costs_its_own_readings_only(tmp_path: Path) -> None:
    scene = Scene(tmp_path, overall_s=10.0, machine=Machine(dpus=(BlueField(),)))
    rate = scene.root / "sys/class/infiniband/mlx5_0/ports/1/rate"
    rate.unlink()
    os.mkfifo(rate)  # whoever opens it to read waits for a writer that never comes

    found = scene.collect()

    assert (found["ports"], len(found["dpus"]), found["collector"]) == (None, 1, "nvml")
    assert "no answer" in found["machine"]["unread"]["error"]["ports"]
    assert processes_with(str(tmp_path)) == []


def test_a_card_that_left_the_bus_has_no_width_of_63_lanes(tmp_path: Path) -> None:
    where = f"sys/bus/pci/devices/{address(0)}"
    gone = {f"{where}/current_link_width": "63\n", f"{where}/current_link_speed": "Unknown\n"}
    scene = Scene(tmp_path, faults={"init": "9"}, smi="", machine=Machine(files=gone))

    (gpu,) = scene.collect()["gpus"]

    assert (gpu["pcie_width"], gpu["pcie_gen"], gpu["pcie_width_max"]) == (None, None, 16)


def test_where_everything_hangs_the_answer_comes_at_the_overall_deadline(tmp_path: Path) -> None:
    scene = Scene(tmp_path, faults={"init": "hang"}, deadline_s=60.0, overall_s=5.0, units=["llm.service"])
    for name in ("journalctl", "dmesg", "chronyc", "timedatectl", "systemctl"):
        program(tmp_path / "bin", name, "#!/bin/sh\nexec sleep 60\n")
    began = time.monotonic()

    found = scene.collect()

    assert time.monotonic() - began < 5.0 + 5.0
    assert [one["hung"] for one in found["attempts"]] == [True]
    assert (found["collector"], found["machine"]["processors"]) == ("kernel", 64)
    assert found["kernel_log"]["source"] in (None, "/dev/kmsg")
    assert processes_with(str(tmp_path)) == []


def test_nothing_is_written_but_the_lock(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    before = tree(tmp_path)

    scene.collect()

    new = set(tree(tmp_path)) - set(before)
    assert new == {"run", "run/gpu-driver.lock"}
    assert {path: said for path, said in tree(tmp_path).items() if path not in new} == before


def test_eight_gpus_in_trouble_fit_into_32_kilobytes_and_what_was_cut_is_counted(tmp_path: Path) -> None:
    log = [
        f"NVRM: Xid (PCI:{address(gpu)[:-2]}): {code}, pid=4242, name=python3, {'Ch 0000000a ' * 30}"
        for gpu in range(8)
        for code in (13, 31, 43, 45, 48, 63, 79, 94, 119, 154)
    ]
    machine = Machine(dpus=(BlueField("b1"), BlueField("c1")))
    scene = Scene(tmp_path, "b200", gpus=8, log=log, before=log, machine=machine)

    found = scene.collect()

    assert len(json.dumps(found, separators=(",", ":"))) <= LIMIT_BYTES
    assert len(found["gpus"]) == 8
    assert len(found["xids"]) + found["cut"]["xids"] == len(log) * 2
    assert {xid["boot"] for xid in found["xids"]} == {0}


def test_eight_healthy_gpus_lose_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path, "b200", gpus=8, machine=Machine(dpus=(BlueField("b1"), BlueField("c1"))))
    found = scene.collect()

    assert found["cut"] == {}
    assert len(json.dumps(found, separators=(",", ":"))) <= LIMIT_BYTES
