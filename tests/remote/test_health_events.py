"""What the kernel log says broke: each kind of line, in both boots, and nothing from lines that only look alike."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.remote.gpu import kernel_log
from edgectl.remote.health import events
from tests.remote.host import program

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "cases" / "kernel_events.yaml").read_text(encoding="utf-8")
)
STAMPS = ("2026-08-21T11:34:04+0200 n kernel: ", "[  100.5] ", "3,1044,100500000,-;")
BOOTED = 1_700_000_000.0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["line"][:60])
def test_each_line_is_of_its_kind_whatever_the_source(case: dict[str, Any]) -> None:
    for stamp in STAMPS:
        found = events.parse(f"{stamp}{case['line']}", BOOTED)

        assert [(one["kind"], one["device"], one["line"]) for one in found] == (
            [(case["kind"], case["device"], case["line"])] if case["kind"] else []
        )


def test_every_kind_has_a_line_that_shows_it_and_passes_the_first_sieve() -> None:
    shown = {case["kind"] for case in CASES}

    assert {kind.name for kind in events.KINDS} <= shown
    assert [
        case["line"] for case in CASES if case["kind"] and not events.WANTED.search(case["line"].encode())
    ] == []


def test_lines_of_a_kind_about_a_device_are_folded() -> None:
    lines = [
        f"[ {at}.0] nvme nvme{disk}: I/O {at} QID 3 timeout, aborting"
        for at, disk in ((1, 0), (2, 1), (9, 0))
    ]

    first, second = events.parse("\n".join(lines), BOOTED, boot=-1)

    assert (first["device"], first["count"], first["boot"]) == ("nvme0", 2, -1)
    assert (first["first"], first["last"]) == ("2023-11-14T22:13:21Z", "2023-11-14T22:13:29Z")
    assert (second["device"], second["count"]) == ("nvme1", 1)


def test_the_fabric_manager_s_errors_count_since_this_boot_only(tmp_path: Path) -> None:
    log = tmp_path / "var/log/fabricmanager.log"
    log.parent.mkdir(parents=True)
    stamps = [
        time.strftime("%b %d %Y %H:%M:%S", time.localtime(BOOTED + after_s)) for after_s in (-60, 60, 90)
    ]
    said = [
        f"[{stamps[0]}] [ERROR] [tid 1] of the boot before",
        f"[{stamps[1]}] [INFO] [tid 1] all is well",
        f"[{stamps[1]}] [ERROR] [tid 1] failed with NV_WARN_NOTHING_TO_DO",
        f"[{stamps[2]}] [ERROR] [tid 1] detected NVSwitch fatal error 20034 on fid 0",
    ]
    log.write_text("\n".join(said), encoding="utf-8")

    (found,) = events.fabric_manager(BOOTED, str(tmp_path))

    assert (found["kind"], found["count"]) == ("fabric-manager", 1)
    assert "20034" in found["line"]
    assert found["last"] == "2023-11-14T22:14:50Z"


def test_a_log_of_another_boot_comes_from_pstore_where_the_journal_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "journalctl", "#!/bin/sh\necho 'no persistent journal was found' >&2; exit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    crash = tmp_path / "sys/fs/pstore/dmesg-efi_pstore-1"
    crash.parent.mkdir(parents=True)
    crash.write_text("Panic#1 Part1\n<3>[ 9.5] NVRM: Xid (PCI:0000:41:00): 79, gone\n", encoding="utf-8")

    log = kernel_log.read_before(events.WANTED, 5.0, str(tmp_path))

    assert log.source == "pstore"
    assert log.text.strip().endswith("79, gone")


def test_no_earlier_boot_is_told_with_the_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "journalctl", "#!/bin/sh\necho 'no persistent journal was found' >&2; exit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    log = kernel_log.read_before(events.WANTED, 5.0, str(tmp_path))

    assert (log.source, log.error) == (None, "journalctl: no persistent journal was found; pstore: empty")
