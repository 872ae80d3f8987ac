"""The module at a host: real programs on PATH, real files under a root; no library, so nvidia-smi speaks."""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.gpu import collect, nvml
from tests.remote.host import program, run_module

DOCUMENTS = Path(__file__).parents[1] / "golden" / "health" / "smi"
FIRST, SECOND = "00000000:41:00.0", "00000000:51:00.0"
LOST_LINE = "2026-08-21T09:34:04+0000 n kernel: NVRM: Xid (PCI:0000:61:00): 79, GPU has fallen off the bus."

pytestmark = pytest.mark.skipif(nvml.is_installed(), reason="this machine has NVML: see test_gpu_real.py")


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of our own: no nvidia-smi, an empty but readable kernel log."""
    folder = tmp_path / "bin"
    program(folder, "journalctl", "#!/bin/sh\necho '-- No entries --'\n")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def smi(folder: Path, text: str) -> None:
    program(folder, "nvidia-smi", f"#!/bin/sh\n{text}\n")


def facts(**given: Any) -> dict[str, Any]:
    result = run_module("gpu_facts", given)
    assert not result.changed
    assert not result.failed
    return result.values


def pci(root: Path, address: str, driver: str = "nvidia", **files: str) -> None:
    boot_id = root / "proc/sys/kernel/random/boot_id"
    boot_id.parent.mkdir(parents=True, exist_ok=True)
    boot_id.write_text("7f1c1c52-0000-4000-8000-000000000001\n", encoding="ascii")
    (root / "proc/uptime").write_text("86400.00 86400.00\n", encoding="ascii")
    folder = root / "sys/bus/pci/devices" / address
    folder.mkdir(parents=True)
    known = {"vendor": "0x10de", "class": "0x030200", "current_link_width": "8", "max_link_width": "16",
             "current_link_speed": "16.0 GT/s PCIe", "max_link_speed": "32.0 GT/s PCIe"}  # fmt: skip
    for name, text in {**known, **files}.items():
        (folder / name).write_text(f"{text}\n", encoding="utf-8")
    drivers = root / "sys/bus/pci/drivers" / driver
    drivers.mkdir(parents=True, exist_ok=True)
    (folder / "driver").symlink_to(drivers)


def test_without_a_library_nvidia_smi_is_asked(bin_folder: Path) -> None:
    smi(bin_folder, f"cat {DOCUMENTS}/580-two-healthy.xml")

    found = facts()

    assert (found["collector"], found["driver_version"]) == ("nvidia-smi", "580.105.08")
    assert [gpu["pci_bus_id"] for gpu in found["gpus"]] == [FIRST, SECOND]
    assert [attempt["collector"] for attempt in found["attempts"]] == ["nvml"]
    assert found["kernel_log"] == {"source": "journalctl", "error": "", "boots": 1}
    assert (found["kernel"], len(found["boot_id"])) == (os.uname().release, 36)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("echo 'it could not communicate with the driver'; exit 9", 9, "the driver is not loaded"),
        ("echo 'Driver/library version mismatch'; exit 18", 18, "different versions"),
        ("echo 'something else'; exit 77", 77, "something else"),
        ("echo 'no XML at all'", 0, "no XML at all"),
        (f"head -c 900 {DOCUMENTS}/580-sick.xml", 0, "xml"),
    ],
)
def test_what_nvidia_smi_says_in_place_of_xml_is_kept(
    bin_folder: Path, text: str, code: int, said: str
) -> None:
    smi(bin_folder, text)

    found = facts()

    assert found["collector"] == "kernel"
    assert found["attempts"][-1]["code"] == code
    assert said in found["attempts"][-1]["error"]


def test_a_driver_that_hangs_is_given_up_at_the_deadline_and_left_no_process(
    bin_folder: Path, tmp_path: Path
) -> None:
    smi(bin_folder, f"echo $$ > {tmp_path}/pid\nexec sleep 60")
    began = time.monotonic()

    found = facts(deadline=0.5)

    assert time.monotonic() - began < 5
    assert (found["collector"], found["attempts"][-1]["hung"]) == ("kernel", True)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), 0)


def test_a_query_that_one_lost_gpu_ends_is_asked_for_the_others_one_by_one(
    bin_folder: Path, tmp_path: Path
) -> None:
    pci(tmp_path, "0000:06:00.0")
    pci(tmp_path, "0000:51:00.0")
    smi(
        bin_folder,
        f"""case "$*" in
        *-i*06:00.0) cat {DOCUMENTS}/570-a100.xml ;;
        *) echo 'Unable to determine the device handle for GPU 0000:51:00.0: GPU is lost.'; exit 15 ;;
        esac""",
    )

    found = collect.collect(root=str(tmp_path))

    assert found["collector"] == "nvidia-smi"
    assert [(gpu["pci_bus_id"], gpu["state"]) for gpu in found["gpus"]] == [
        ("00000000:06:00.0", "ok"),
        (SECOND, "lost"),
    ]


def test_a_gpu_that_left_the_list_is_told_as_lost_from_the_kernel_log(bin_folder: Path) -> None:
    smi(bin_folder, f"cat {DOCUMENTS}/580-two-healthy.xml")
    who = "NVRM: GPU at PCI:0000:61:00: GPU-00000009-a\nNVRM: GPU 0000:61:00.0: GPU serial number is 7."
    log = f"{LOST_LINE}\n{who}"
    program(bin_folder, "journalctl", f"#!/bin/sh\nprintf '%s\\n' 'kernel: Linux' '{log}'\n")

    found = facts()

    lost = found["gpus"][2]
    assert (lost["state"], lost["pci_bus_id"], lost["uuid"]) == ("lost", "00000000:61:00.0", "GPU-00000009-a")
    assert (lost["serial"], lost["index"]) == ("7", None)
    assert [(xid["code"], xid["gpu"]) for xid in found["xids"]] == [(79, "GPU-00000009-a")]


def test_a_gpu_that_the_driver_holds_and_does_not_list_is_lost_and_one_of_another_driver_is_not(
    bin_folder: Path, tmp_path: Path
) -> None:
    smi(bin_folder, f"cat {DOCUMENTS}/580-two-healthy.xml")
    for address, driver in (
        ("0000:41:00.0", "nvidia"),
        ("0000:71:00.0", "nvidia"),
        ("0000:81:00.0", "vfio-pci"),
    ):
        pci(tmp_path, address, driver)

    found = collect.collect(root=str(tmp_path))

    assert [gpu["pci_bus_id"] for gpu in found["gpus"] if gpu["state"] == "lost"] == ["00000000:71:00.0"]


def test_the_kernel_alone_knows_address_link_name_and_driver(bin_folder: Path, tmp_path: Path) -> None:
    assert bin_folder.is_dir()
    pci(tmp_path, "0000:41:00.0")
    pci(tmp_path, "0000:42:00.0", **{"class": "0x020000"})
    information = tmp_path / "proc/driver/nvidia/gpus/0000:41:00.0/information"
    information.parent.mkdir(parents=True)
    information.write_text("Model: \t\t NVIDIA L4\nGPU UUID: \t GPU-????????\n", encoding="utf-8")
    version = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.105.08  Release Build"
    (tmp_path / "proc/driver/nvidia/version").write_text(version, encoding="utf-8")

    found = collect.collect(root=str(tmp_path))

    assert (found["collector"], found["driver_version"]) == ("kernel", "580.105.08")
    (gpu,) = found["gpus"]
    known = {name: gpu[name] for name in ("name", "uuid", "pcie_gen", "pcie_gen_max", "pcie_width")}
    assert known == {"name": "NVIDIA L4", "uuid": None, "pcie_gen": 4, "pcie_gen_max": 5, "pcie_width": 8}
    assert "temperature_c" in gpu["unread"]["not_collected"]


def test_a_journal_that_we_may_not_read_is_no_empty_journal(bin_folder: Path) -> None:
    refused = "#!/bin/sh\necho '-- No entries --'\necho 'No journal files were opened' >&2\n"
    program(bin_folder, "journalctl", refused)
    program(bin_folder, "dmesg", "#!/bin/sh\necho '[    1.5] NVRM: Xid (PCI:0000:41:00): 31'\n")

    found = facts()

    assert found["kernel_log"]["source"] == "dmesg"
    assert [xid["code"] for xid in found["xids"]] == [31]


def test_the_whole_answer_of_eight_gpus_is_under_32_kilobytes(bin_folder: Path) -> None:
    text = (DOCUMENTS / "580-two-healthy.xml").read_text(encoding="utf-8")
    head, body = text.split("<gpu id", 1)
    body = "<gpu id" + body.removesuffix("</nvidia_smi_log>\n")
    big = bin_folder / "big.xml"
    padding = f"<supported_clocks>{'<clock>2520 MHz</clock>' * 9000}</supported_clocks>"
    big.write_text(f"{head}{body * 4}{padding}</nvidia_smi_log>\n", encoding="utf-8")
    smi(bin_folder, f"cat {big}")

    found = facts()

    assert big.stat().st_size > 200_000
    assert len(found["gpus"]) == 8
    assert len(repr(found)) < 32_000


def test_the_module_only_reads_and_brings_pynvml_along() -> None:
    from edgectl.remote import registry

    module = registry.load("gpu_facts")

    assert (module.REPEAT, module.NEEDS) == ("reads", ("pynvml",))
    assert importlib.util.find_spec("pynvml") is not None
