"""The driver's lines in the kernel log, in every form that the driver prints."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.remote.gpu import xid

BOOTED = 1_700_000_000.0
GPU = "00000000:41:00.0"
THREE_LINES = """NVRM: The NVIDIA GPU 0000:41:00.0
NVRM: (PCI ID: 10de:2bb5) installed in this system has
NVRM: fallen off the bus and is not responding to commands."""
ISO = "2026-08-21T11:34:04+0200 fra1-r1-n01 kernel: "


def one(line: str) -> dict[str, Any]:
    (found,) = xid.parse(line, BOOTED)["xids"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("NVRM: Xid (PCI:0000:41:00): 31, pid=4242, name=python3, Ch 0000000a", (31, GPU, None, None)),
        ("NVRM: Xid (0000:41:00): 79, pid='<unknown>', GPU has fallen off the bus.", (79, GPU, None, None)),
        ("NVRM: Xid (PCI:0000:41:00.0): 48, DBE", (48, GPU, None, None)),
        ("NVRM: Xid (PCI:0000:41:00 GPU-I:05): 31, pid=1, name=a, x", (31, GPU, "05", None)),
        ("NVRM: Xid (PCI:0000:41:00 GPU-I:05 GPU-CI:00): 13, pid=1, name=a, x", (13, GPU, "05", "00")),
        ("NVRM: Xid (PCI:0003:c1:00): 119, Timeout after 45s", (119, "00000003:C1:00.0", None, None)),
        ("NVRM: Xid (PCI:0000:41:00): 175", (175, GPU, None, None)),
        ("NVRM: Xid (PCI:0000:41:00): 999, from a later driver", (999, GPU, None, None)),
        ("NVRM: GPU0 Xid (something new): 12, x", (12, None, None, None)),
    ],
)
def test_every_form_gives_code_address_and_instances(line: str, place: tuple[Any, ...]) -> None:
    found = one(f"{ISO}{line}")

    assert (found["code"], found["pci_bus_id"], found["gpu_instance"], found["compute_instance"]) == place
    assert found["line"] == line


@pytest.mark.parametrize(
    ("prefix", "at"),
    [
        (ISO, "2026-08-21T09:34:04Z"),
        ("2026-08-21T09:34:04+00:00 n kernel: ", "2026-08-21T09:34:04Z"),
        ("[  100.500000] ", "2023-11-14T22:15:00Z"),
        ("3,1044,100500000,-;", "2023-11-14T22:15:00Z"),
        ("kernel: ", None),
    ],
)
def test_every_source_gives_the_time_in_utc(prefix: str, at: str | None) -> None:
    assert one(f"{prefix}NVRM: Xid (PCI:0000:41:00): 31")["last"] == at


def test_the_same_error_again_is_counted_once_per_place() -> None:
    lines = [
        "[ 1.0] NVRM: Xid (PCI:0000:41:00): 31, pid=1, name=a, first",
        "[ 9.0] NVRM: Xid (PCI:0000:41:00): 31, pid=2, name=b, last",
        "[ 9.0] NVRM: Xid (PCI:0000:51:00): 31, pid='<unknown>', name=<unknown>, other",
    ]

    first, second = xid.parse("\n".join(lines), BOOTED)["xids"]

    assert (first["count"], first["processes"]) == (2, ["a (1)", "b (2)"])
    assert first["line"].endswith("last")
    assert (first["first"], first["last"]) == ("2023-11-14T22:13:21Z", "2023-11-14T22:13:29Z")
    assert (second["count"], second["processes"]) == (1, [])


def test_an_error_of_the_boot_before_is_marked_and_loses_no_gpu_of_this_one() -> None:
    lines = "\n".join(f"[ {at}.0] NVRM: Xid (PCI:0000:41:00): 79, gone" for at in range(1, 12))

    (found,) = xid.parse(lines, BOOTED, boot=-1)["xids"]

    assert (found["boot"], found["count"], len(found["moments"])) == (-1, 11, 8)
    assert found["moments"][-1] == found["last"] == "2023-11-14T22:13:31Z"
    assert xid.fallen_off([found]) == []
    assert xid.fallen_off([{**found, "boot": 0}]) == [GPU]


@pytest.mark.parametrize(
    "text",
    [
        "NVRM: GPU 0000:41:00.0: GPU has fallen off the bus.",
        THREE_LINES,
        "NVRM: Xid (PCI:0000:41:00): 79, gone\nNVRM: GPU 0000:41:00.0: GPU has fallen off the bus.",
    ],
)
def test_a_gpu_that_fell_off_the_bus_is_one_xid_79_with_or_without_its_number(text: str) -> None:
    found = one(text)

    assert (found["code"], found["pci_bus_id"], found["count"]) == (79, GPU, 1)


def test_uuid_and_serial_are_kept_for_when_the_gpu_is_gone() -> None:
    text = (
        "NVRM: GPU at PCI:0000:41:00: GPU-1c8e6a40-0000-0000-0000-000000000001\n"
        "NVRM: GPU 0000:41:00.0: GPU serial number is 1650000000001.\n"
    )
    found = xid.parse(text, BOOTED)

    assert found["uuids"] == {GPU: "GPU-1c8e6a40-0000-0000-0000-000000000001"}
    assert found["serials"] == {GPU: "1650000000001"}
    assert found["xids"] == []


def test_a_line_is_cut_and_never_grows_the_answer() -> None:
    assert len(one(f"NVRM: Xid (PCI:0000:41:00): 31, {'x' * 5000}")["line"]) == 300
