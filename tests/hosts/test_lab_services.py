"""systemctl at a lab host starts, supervises and stops real processes."""

from __future__ import annotations

from edgectl.lab.lifecycle import LabStatus
from tests.hosts.lab_box import CLOCK, Box, await_box, box, lab

__all__ = ["box", "lab"]

_UNIT = """\
[Unit]
Description=Counts
[Service]
Environment=WORD=hello
ExecStartPre=/bin/echo before
ExecStart=/bin/sh -c 'echo "$WORD %n"; sleep 300 & wait'
Restart=on-failure
RestartSec=0.1
[Install]
WantedBy=multi-user.target
"""


def _write(box: Box, name: str, text: str) -> None:
    assert box.run(f"cat > /etc/systemd/system/{name}", text.encode()).code == 0


def _show(box: Box, unit: str, name: str) -> str:
    return box.ok(f"systemctl show -p {name} --value {unit}")


def test_a_service_runs_is_restarted_and_ends_with_all_its_processes(box: Box) -> None:
    _write(box, "count.service", _UNIT)
    box.ok("systemctl enable --now count")
    assert box.ok("systemctl is-active count; systemctl is-enabled count") == "active\nenabled"
    assert "hello count.service" in box.ok("journalctl -u count -o cat")
    box.ok(f"kill -9 {_show(box, 'count', 'MainPID')}")
    CLOCK.sleep(0.5)
    assert (_show(box, "count", "NRestarts"), _show(box, "count", "ActiveState")) == ("1", "active")
    box.ok("systemctl disable --now count")
    assert box.run("systemctl is-active count").code == 3
    assert box.run("pgrep -f '[s]leep 300'").code == 1


def test_a_failing_service_is_reported_as_systemd_does(box: Box) -> None:
    _write(box, "bad.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 4'\n")
    done = box.run("systemctl start bad")
    assert (done.code, "Job for bad.service failed" in done.err) == (1, True)
    assert (_show(box, "bad", "Result"), _show(box, "bad", "ExecMainStatus")) == ("exit-code", "4")
    assert box.run("systemctl is-failed bad").code == 0
    box.ok("systemctl reset-failed bad")


def test_unknown_and_masked_units_cannot_be_started(box: Box) -> None:
    assert box.run("systemctl start nothing").code == 5
    _write(box, "count2.service", _UNIT)
    box.ok("systemctl mask --runtime ssh2; systemctl unmask ssh2; rm /etc/systemd/system/count2.service")
    box.ok("systemctl mask count2")
    assert "masked" in box.run("systemctl start count2").err


def test_a_changed_unit_needs_a_reload(box: Box) -> None:
    _write(box, "edit.service", "[Service]\nExecStart=/bin/sleep 301\n")
    box.ok("systemctl start edit; sleep 0.01")
    _write(box, "edit.service", "[Service]\nExecStart=/bin/sleep 302\n")
    assert _show(box, "edit", "NeedDaemonReload") == "yes"
    box.ok("systemctl daemon-reload")
    assert _show(box, "edit", "NeedDaemonReload") == "no"
    box.ok("systemctl restart edit; pgrep -f '[s]leep 302'; systemctl stop edit")


def test_a_service_that_notifies_is_active_when_it_says_so(box: Box) -> None:
    program = (
        "import os,socket,time;time.sleep(0.3);"
        "socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM).sendto(b'READY=1',os.environ['NOTIFY_SOCKET']);time.sleep(99)"
    )
    _write(box, "ready.service", f'[Service]\nType=notify\nExecStart=/usr/bin/env python3 -c "{program}"\n')
    started = CLOCK.monotonic()
    box.ok("systemctl start ready")
    assert CLOCK.monotonic() - started >= 0.3
    assert box.ok("systemctl is-active ready; systemctl stop ready") == "active"


def test_templates_drop_ins_and_environment_files_count(box: Box) -> None:
    _write(box, "t@.service", "[Service]\nType=oneshot\nExecStart=/bin/echo %i ${WORD} $MANY\n")
    box.ok("mkdir -p /etc/systemd/system/t@.service.d; printf 'WORD=w\\nMANY=\"a b\"\\n' > /etc/t.env")
    _write(box, "t@.service.d/env.conf", "[Service]\nEnvironmentFile=/etc/t.env\n")
    box.ok("systemctl start t@one")
    assert "one w a b" in box.ok("journalctl -u t@one -o cat")


def test_a_transient_unit_runs_and_reports(box: Box) -> None:
    assert box.run("systemd-run --quiet --wait --unit now sh -c 'exit 6'").code == 6
    box.ok("systemd-run --unit later --collect sleep 303; systemctl is-active later; systemctl stop later")


def test_a_reboot_ends_everything_and_starts_what_is_enabled(lab: LabStatus) -> None:
    address = lab.hosts[1].address
    box = Box(lab.directory, address)
    _write(
        box, "boot.service", "[Service]\nExecStart=/bin/sleep 304\n[Install]\nWantedBy=multi-user.target\n"
    )
    before = box.ok(
        "cat /proc/sys/kernel/random/boot_id; systemctl enable -q boot; touch /tmp/t /run/r /var/v"
    )
    box.run("sleep 305 >/dev/null 2>&1 & systemctl reboot")
    box.await_end()
    box = await_box(lab.directory, address)
    assert box.ok("cat /proc/sys/kernel/random/boot_id") != before
    assert box.ok("ls /tmp/t /run/r /var/v 2>/dev/null; systemctl is-active boot; true") == "/var/v\nactive"
    assert box.run("pgrep -f '[s]leep 305'").code == 1
    box.close()


def test_shutdown_is_found_where_ansible_looks_for_it(box: Box) -> None:
    for folder in ("/sbin", "/usr/sbin", "/usr/local/sbin"):
        box.ok(f"if test -e {folder}/shutdown; then {folder}/shutdown -r +5 && {folder}/shutdown -c; fi")
