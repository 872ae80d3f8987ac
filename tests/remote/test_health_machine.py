"""What a node says about itself: limits, memory, processes, file systems, time, units, bridges."""

from __future__ import annotations

import os
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.health import bus, disks, machine, processes, timekeeping, units
from edgectl.remote.health.clock import Clock
from tests.nvml.branches import COMPILER, NO_COMPILER
from tests.nvml.tree import BOOT_ID, Machine, tree
from tests.remote.host import program

CHRONY = """#!/bin/sh
echo 'Reference ID    : C0000201 (192.0.2.1)'
echo 'Stratum         : 3'
echo 'System time     : {offset} of NTP time'
echo 'Leap status     : {leap}'
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing but what a test puts there, and a shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "cat").symlink_to("/bin/cat")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def node(root: Path, *waited_for: str, **files: str) -> dict[str, Any]:
    given = {path.replace("__", "/"): text for path, text in files.items()}
    tree(root, "l4", 0, "580", Machine(files=given))
    look = processes.look(str(root))
    looks = machine.Looks(look.states, processes.stuck(look, str(root)))
    return machine.read(str(root), waited_for, looks, Clock(20.0))


def test_a_node_tells_its_size_its_limits_and_how_it_is_set(tmp_path: Path, programs: Path) -> None:
    program(programs, "chronyc", CHRONY.format(offset="0.000012000 seconds fast", leap="Normal"))
    found = node(tmp_path / "root")

    wanted = {
        "uptime_s": 86400.0,
        "processors": 64,
        "load_1m": 0.42,
        "memory_total_bytes": 528280000 * 1024,
        "memory_available_bytes": 500000000 * 1024,
        "memory_modules": 8,
        "zombies": 0,
        "stuck": [],
        "threads": 812,
        "threads_max": 4127000,
        "files": 4096,
        "governor": "performance",
        "clocksource": "tsc",
        "modules": ["mlx5_core", "nvidia", "nvidia_uvm"],
    }
    assert {name: found[name] for name in wanted} == wanted
    assert found["unread"]["not_collected"] == ["units"]
    assert len(BOOT_ID) == 36


def test_what_a_machine_does_not_show_is_unsupported_and_never_zero(tmp_path: Path, programs: Path) -> None:
    assert programs.is_dir()
    empty = tmp_path / "root"
    empty.mkdir()
    found = machine.read(str(empty), [], machine.Looks({}, []), Clock(20.0))

    numbers = (
        "uptime_s",
        "processors",
        "memory_total_bytes",
        "memory_modules",
        "zombies",
        "threads",
        "files",
    )
    assert [found[name] for name in numbers] == [None] * len(numbers)
    assert set(numbers) <= set(found["unread"]["unsupported"])


def test_what_the_kernel_shows_in_another_form_is_an_error_of_that_reading(
    tmp_path: Path, programs: Path
) -> None:
    assert programs.is_dir()
    found = node(tmp_path / "root", proc__loadavg="high\n", sys__devices__system__cpu__online="all\n")

    assert {"load_1m", "threads", "processors"} == set(found["unread"]["error"])
    assert (found["load_1m"], found["memory_modules"]) == (None, 8)


def test_an_empty_socket_of_the_firmware_s_table_is_no_memory_module(tmp_path: Path, programs: Path) -> None:
    assert programs.is_dir()
    root = tmp_path / "root"
    for number, size in enumerate((65535, 0, 32767)):
        entry = root / f"sys/firmware/dmi/entries/17-{number}"
        entry.mkdir(parents=True)
        (entry / "raw").write_bytes(bytes(12) + struct.pack("<H", size) + bytes(20))

    assert node(root)["memory_modules"] == 2


def test_processors_that_are_set_differently_are_told(tmp_path: Path, programs: Path) -> None:
    assert programs.is_dir()
    found = node(
        tmp_path / "root",
        sys__devices__system__cpu__cpu2__cpufreq__scaling_governor="powersave\n",
    )

    assert found["governor"] == "performance,powersave"


def test_zombies_and_processes_that_wait_at_both_looks_are_told(tmp_path: Path, programs: Path) -> None:
    assert programs.is_dir()
    line = "{pid} ({name}) {state} 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {start} 0 0\n"
    root = tmp_path / "root"
    waiting = line.format(pid=7, name="a (b) c", state="D", start=86000 * 100)
    found = node(
        root,
        proc__7__stat=waiting,
        proc__7__status="voluntary_ctxt_switches:\t5\n",
        proc__8__stat=line.format(pid=8, name="gone", state="Z", start=1),
    )

    assert found["zombies"] == 1
    assert found["stuck"] == [{"pid": 7, "name": "a (b) c", "age_s": 400.0}]


def test_a_thread_of_the_kernel_is_left_to_the_kernel_s_own_watchdog(tmp_path: Path) -> None:
    line = "7 (kworker/0:1) D 2 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n"
    tree(tmp_path, "l4", 0, "580", Machine(files={"proc/7/stat": line}))

    assert processes.look(str(tmp_path)).waiting == {}


def test_a_process_that_worked_between_two_looks_is_not_stuck(tmp_path: Path) -> None:
    line = "7 (dd) D 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n"
    files = {"proc/7/stat": line, "proc/7/status": "voluntary_ctxt_switches:\t5\n"}
    tree(tmp_path, "l4", 0, "580", Machine(files=files))
    before = processes.look(str(tmp_path))
    (tmp_path / "proc/7/status").write_text("voluntary_ctxt_switches:\t6\n", encoding="ascii")

    assert processes.stuck(before, str(tmp_path)) == []


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that really waits in state D: for the child that it made with vfork(2)."""
    source = tmp_path / "wait.c"
    source.write_text(
        "#include <unistd.h>\nint main(void) { if (!vfork()) { sleep(60); _exit(0); } return 0; }\n"
    )
    subprocess.run([str(COMPILER), "-w", "-o", str(tmp_path / "waits"), str(source)], check=True)
    process = subprocess.Popen([str(tmp_path / "waits")], start_new_session=True)
    give_up = time.monotonic() + 20
    while process.pid not in processes.look().waiting:
        assert time.monotonic() < give_up, "it never waited"
        time.sleep(0.01)
    yield process
    os.killpg(process.pid, 9)
    process.wait()


@pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
def test_a_process_that_waits_in_the_kernel_is_found_in_the_real_proc(
    waiting: subprocess.Popen[bytes],
) -> None:
    before = processes.look()

    found = {one["pid"]: one for one in processes.stuck(before)}

    assert found[waiting.pid]["name"] == "waits"
    assert 0 <= found[waiting.pid]["age_s"] < 60


MOUNTS = """\
/dev/nvme0n1p2 / ext4 rw,relatime 0 0
/dev/nvme0n1p2 /var/lib/docker ext4 rw,relatime 0 0
/dev/sdb1 /srv/my\\040models xfs ro,relatime 0 0
/dev/sdc1 /archive xfs ro,relatime 0 0
server:/export /nfs nfs4 rw 0 0
//server/share /smb cifs rw 0 0
tmpfs /run tmpfs rw 0 0
"""
FSTAB = """\
# comment
/dev/sdb1 /srv/my\\040models xfs defaults 0 2
/dev/sdc1 /archive xfs ro,noatime 0 2
"""


def test_lasting_file_systems_are_told_once_and_a_network_s_is_not_asked(tmp_path: Path) -> None:
    for folder in ("srv/my models", "archive", "proc/self", "etc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/self/mounts").write_text(MOUNTS, encoding="ascii")
    (tmp_path / "etc/fstab").write_text(FSTAB, encoding="ascii")

    found, errors = disks.read(str(tmp_path))

    assert errors == []
    told = [(one["mount"], one["read_only"], one["wanted_writable"]) for one in found]
    assert told == [("/", False, True), ("/srv/my models", True, True), ("/archive", True, False)]
    size = os.statvfs(tmp_path)
    assert (found[0]["size_bytes"], found[0]["inodes"]) == (
        size.f_frsize * size.f_blocks,
        size.f_files or None,
    )


LENT = """\
/dev/sda1 /run/host/os-release ext4 ro 0 0
/dev/sda1 /etc/machine ext4 ro 0 0
/dev/sda2 /models ext4 ro 0 0
/dev/sda3 /var ext4 ro 0 0
"""
MOUNTINFO = """\
30 1 8:1 /etc/os-release /run/host/os-release ro,relatime shared:7 - ext4 /dev/sda1 rw
31 1 8:1 /machine /etc/machine ro,relatime - ext4 /dev/sda1 rw
32 1 8:2 /models /models ro,relatime - ext4 /dev/sda2 rw
33 1 8:3 / /var rw,relatime - ext4 /dev/sda3 ro,errors=remount-ro
"""


def test_what_is_mounted_for_reading_on_purpose_is_no_disk_that_turned_read_only(tmp_path: Path) -> None:
    for folder in ("run/host", "etc", "models", "var", "proc/self"):
        (tmp_path / folder).mkdir(parents=True)
    for file, text in (
        ("run/host/os-release", ""),
        ("etc/machine", ""),
        ("proc/self/mounts", LENT),
        ("proc/self/mountinfo", MOUNTINFO),
    ):
        (tmp_path / file).write_text(text, encoding="ascii")
    found, errors = disks.read(str(tmp_path))
    assert errors == []
    assert [(one["mount"], one["read_only"]) for one in found] == [("/models", False), ("/var", True)]


def test_a_file_system_that_is_gone_is_an_error_beside_the_others(tmp_path: Path, programs: Path) -> None:
    assert programs.is_dir()
    mounts = "/dev/sda1 / ext4 rw 0 0\n/dev/sdz1 /gone ext4 rw 0 0\n"
    found = node(tmp_path / "root", proc__self__mounts=mounts)

    assert [one["mount"] for one in found["disks"]] == ["/"]
    assert found["unread"]["error"] == {"disks": "/gone: no such file or directory"}


@pytest.mark.parametrize(
    ("offset", "leap", "wanted"),
    [
        ("0.250000000 seconds fast", "Normal", (True, 0.25)),
        ("1.500000000 seconds slow", "Normal", (True, -1.5)),
        ("0.000000000 seconds fast", "Not synchronised", (False, 0.0)),
    ],
)
def test_chrony_says_how_far_off_the_node_is_and_on_which_side(
    programs: Path, offset: str, leap: str, wanted: tuple[bool, float]
) -> None:
    program(programs, "chronyc", CHRONY.format(offset=offset, leap=leap))

    found = timekeeping.read(Clock(20.0))

    assert found is not None
    assert (found["synchronised"], found["offset_s"]) == wanted
    assert (found["source"], found["stratum"]) == ("192.0.2.1", 3)


def test_without_chrony_systemd_is_asked_and_then_the_kernel(programs: Path) -> None:
    by_kernel = timekeeping.read(Clock(20.0))
    program(programs, "timedatectl", "#!/bin/sh\necho NTP=yes\necho NTPSynchronized=no\n")
    by_systemd = timekeeping.read(Clock(20.0))

    assert by_systemd == {"synchronised": False, "source": None, "offset_s": None, "stratum": None}
    assert by_kernel is not None
    assert by_kernel["source"] == "kernel"
    assert isinstance(by_kernel["synchronised"], bool)


def test_units_are_told_in_the_order_in_which_they_were_asked_for(programs: Path) -> None:
    said = """#!/bin/sh
    echo 'Id=llm.service'; echo 'LoadState=loaded'; echo 'ActiveState=active'; echo 'SubState=running'
    echo 'NRestarts=3'; echo
    echo 'Id=gone.service'; echo 'LoadState=not-found'; echo 'ActiveState=inactive'; echo 'SubState=dead'
    """
    program(programs, "systemctl", said)

    found = units.read(["llm.service", "gone.service"], Clock(20.0))

    assert found == [
        {"name": "llm.service", "load": "loaded", "active": "active", "sub": "running", "restarts": 3},
        {"name": "gone.service", "load": "not-found", "active": "inactive", "sub": "dead", "restarts": None},
    ]


def test_the_units_of_services_in_force_here_are_the_ones_that_matter(tmp_path: Path) -> None:
    for folder, service in (("machine", "llm"), ("state", "embed"), ("state", "only-laid-out")):
        (tmp_path / folder / "releases" / service / "r1").mkdir(parents=True)
        if service != "only-laid-out":
            (tmp_path / folder / "releases" / service / "current").symlink_to("r1")

    written = tmp_path / "units"
    written.mkdir()
    folders = [str(tmp_path / name) for name in ("machine", "state", "nowhere")]

    assert units.serving(folders, str(written)) == ["edgectl-embed.service", "edgectl-llm.service"]
    # Behind a front, an engine has one of two slots.
    for part in ("b", "front", "watch"):
        (written / f"edgectl-llm-{part}.service").touch()
    fronted = ["edgectl-embed.service", "edgectl-llm-b.service", "edgectl-llm-front.service"]
    assert units.serving(folders, str(written)) == fronted


def test_a_systemd_that_does_not_answer_is_an_error(tmp_path: Path, programs: Path) -> None:
    program(programs, "systemctl", "#!/bin/sh\nexit 1\n")

    found = node(tmp_path / "root", "llm.service")

    assert (found["units"], found["unread"]["error"]) == (None, {"units": "systemd gave no answer"})


@pytest.mark.parametrize(("control", "wanted"), [(0b11101, True), (0b00001, False)])
def test_a_bridge_that_redirects_between_peers_is_seen(tmp_path: Path, control: int, wanted: bool) -> None:
    folder = tmp_path / "sys/bus/pci/devices/0000:40:01.1"
    folder.mkdir(parents=True)
    (folder / "class").write_text("0x060400\n", encoding="ascii")
    config = bytearray(0x200)
    struct.pack_into("<I", config, 0x100, 0x140 << 20 | 0x0001)  # AER first, then at 0x140
    struct.pack_into("<I", config, 0x140, 0x000D)
    struct.pack_into("<H", config, 0x146, control)
    (folder / "config").write_bytes(config)

    assert bus.acs_enabled(str(tmp_path)) is wanted


def test_a_bridge_of_which_we_see_only_the_beginning_says_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "sys/bus/pci/devices/0000:40:01.1"
    folder.mkdir(parents=True)
    (folder / "class").write_text("0x060400\n", encoding="ascii")
    (folder / "config").write_bytes(bytes(64))

    assert bus.acs_enabled(str(tmp_path)) is None
