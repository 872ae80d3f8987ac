"""The modules that stand-ins cannot prove, on a real Debian: apt, dpkg, systemd, a reboot in the middle."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli_run import Edgectl, Ended
from tests.hosts import nspawn
from tests.hosts.machines import inventory, keypair
from tests.hosts.nspawn import Debian

_ADDRESS = "127.64.{}.1"
_VERSIONS = ("1.0-1", "1.1-1", "2.0-1")


@dataclass(frozen=True)
class Site:
    machine: Debian
    edgectl: Edgectl
    folder: Path

    def play(self, *tasks: dict[str, Any], options: tuple[str, ...] = ()) -> Ended:
        path = self.folder / "play.yaml"
        play = {"hosts": "all", "gather_facts": False, "tasks": list(tasks)}
        path.write_text(yaml.safe_dump([play], sort_keys=False))
        return self.edgectl("run", path, "-o", "json", *options)

    def ends(self, *tasks: dict[str, Any], options: tuple[str, ...] = ()) -> list[str]:
        """Run tasks and return how each of them ended."""
        ended = self.play(*tasks, options=options)
        assert ended.out, ended.err
        return [task["status"] for task in ended.host("deb1")["tasks"]]

    def reason(self, task: dict[str, Any]) -> str:
        ended = self.play(task)
        assert ended.code == 4, ended
        return str(ended.host("deb1")["reason"])

    def version(self) -> str:
        return self.machine.run(
            "dpkg-query -W -f='${db:Status-Status} ${Version}' edge-tool 2>/dev/null || true"
        )


def _archive(tree: Path, scratch: Path) -> None:
    """Lay out a package archive on the machine's own disk, so that nothing comes from elsewhere."""
    repository = tree / "srv/repo"
    repository.mkdir(parents=True)
    stanzas = []
    for version in _VERSIONS:
        package = scratch / version
        (package / "DEBIAN").mkdir(parents=True)
        (package / "usr/bin").mkdir(parents=True)
        (package / "usr/bin/edge-tool").write_text(f"#!/bin/sh\necho {version}\n")
        (package / "usr/bin/edge-tool").chmod(0o755)
        control = (
            f"Package: edge-tool\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: nobody <nobody@example.net>\nDescription: a tool\n"
        )
        (package / "DEBIAN/control").write_text(control)
        deb = repository / f"edge-tool_{version}_all.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "--build", package, deb], check=True, stdout=subprocess.DEVNULL
        )
        content = deb.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        stanzas.append(f"{control}Filename: ./{deb.name}\nSize: {len(content)}\nSHA256: {digest}\n")
    (repository / "Packages").write_text("\n".join(stanzas))
    sources = tree / "etc/apt/sources.list"
    sources.parent.mkdir(parents=True)
    sources.write_text("deb [trusted=yes] file:/srv/repo ./\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Site]:
    reason = nspawn.missing() or ("" if shutil.which("dpkg-deb") else "needs dpkg-deb: apt-get install dpkg")
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("debian")
    _archive(folder / "tree", folder / "packages")
    number = 1 + int(worker_id.removeprefix("gw") or 0) if worker_id != "master" else 0
    key = keypair(folder / "client_key")
    machine = nspawn.start("deb1", _ADDRESS.format(number), folder / "machine", key, folder / "tree")
    try:
        home = folder / "home"
        home.mkdir()
        yield Site(machine, Edgectl(home, inventory(folder / "inventory", [machine]), {}), folder)
    finally:
        machine.stop()


@pytest.fixture
def without_tool(site: Site) -> Site:
    site.machine.run(
        "apt-mark unhold edge-tool >/dev/null 2>&1; dpkg --purge edge-tool >/dev/null 2>&1; true"
    )
    return site


def apt(**given: Any) -> dict[str, Any]:
    return {"name": "apt", "apt": given}


def test_an_exact_version_is_installed_once(without_tool: Site) -> None:
    task = apt(name="edge-tool=1.0-1", update_cache=True)
    assert without_tool.ends(task) == ["changed"]
    assert without_tool.version() == "installed 1.0-1"
    assert without_tool.machine.run("edge-tool") == "1.0-1\n"
    assert without_tool.ends(apt(name="edge-tool=1.0-1")) == ["ok"]


def test_present_leaves_an_older_version_and_latest_does_not(without_tool: Site) -> None:
    assert without_tool.ends(apt(name="edge-tool=1.1-1", update_cache=True), apt(name="edge-tool")) == [
        "changed",
        "ok",
    ]
    assert without_tool.ends(apt(name="edge-tool", state="latest")) == ["changed"]
    assert without_tool.version() == "installed 2.0-1"


def test_an_older_version_is_refused_unless_it_is_allowed(without_tool: Site) -> None:
    without_tool.ends(apt(name="edge-tool=2.0-1", update_cache=True))
    assert "downgraded" in without_tool.reason(apt(name="edge-tool=1.0-1"))
    assert without_tool.version() == "installed 2.0-1"
    assert without_tool.ends(apt(name="edge-tool=1.0-1", allow_downgrade=True)) == ["changed"]
    assert without_tool.version() == "installed 1.0-1"


def test_a_held_package_stays_unless_that_is_allowed(without_tool: Site) -> None:
    hold = {"name": "hold", "dpkg_selections": {"name": "edge-tool", "selection": "hold"}}
    assert without_tool.ends(apt(name="edge-tool=1.0-1", update_cache=True), hold, hold) == [
        "changed",
        "changed",
        "ok",
    ]
    assert without_tool.machine.run("apt-mark showhold") == "edge-tool\n"
    assert "Held packages" in without_tool.reason(apt(name="edge-tool=1.1-1"))
    assert without_tool.version() == "installed 1.0-1"
    assert without_tool.ends(apt(name="edge-tool=1.1-1", allow_change_held_packages=True)) == ["changed"]
    assert without_tool.version() == "installed 1.1-1"


def test_a_check_of_packages_changes_none(without_tool: Site) -> None:
    without_tool.ends(apt(name="edge-tool=1.0-1", update_cache=True))
    for task in (apt(name="edge-tool=2.0-1"), apt(name="edge-tool", state="absent"), apt(upgrade="dist")):
        assert without_tool.ends(task, options=("--check",)) == ["changed"]
        assert without_tool.version() == "installed 1.0-1"


def test_a_removed_package_is_gone_and_removing_it_again_is_nothing(without_tool: Site) -> None:
    without_tool.ends(apt(name="edge-tool", update_cache=True))
    gone = apt(name="edge-tool", state="absent", purge=True)
    assert without_tool.ends(gone, gone) == ["changed", "ok"]
    assert without_tool.version() == ""


def test_a_package_that_no_archive_has_is_named(without_tool: Site) -> None:
    assert "edge-tol" in without_tool.reason(apt(name="edge-tol", update_cache=True))
    assert "edge-tool" in without_tool.reason(apt(name="edge-tool=9.9-1"))


def test_a_deb_at_the_host_is_installed_once(without_tool: Site) -> None:
    task = apt(deb="/srv/repo/edge-tool_1.1-1_all.deb")
    assert without_tool.ends(task, task) == ["changed", "ok"]


def unit(name: str, command: str, more: str = "") -> dict[str, Any]:
    text = f"[Service]\nExecStart={command}\n{more}\n[Install]\nWantedBy=multi-user.target\n"
    return {"name": "unit", "copy": {"dest": f"/etc/systemd/system/{name}.service", "content": text}}


def systemd(name: str, **given: Any) -> dict[str, Any]:
    return {"name": "systemd", "systemd_service": {"name": name, **given}}


def test_a_unit_is_started_enabled_stopped_and_disabled_once(site: Site) -> None:
    on = systemd("count", state="started", enabled=True, daemon_reload=True)
    off = systemd("count", state="stopped", enabled=False)
    assert site.ends(unit("count", "/bin/sleep 1000"), on, on, off, off) == [
        "changed",
        "changed",
        "ok",
        "changed",
        "ok",
    ]
    assert site.ends(on) == ["changed"]
    assert site.machine.run("systemctl is-active count; systemctl is-enabled count") == "active\nenabled\n"


def test_a_restart_is_another_process(site: Site) -> None:
    site.ends(unit("again", "/bin/sleep 1000"), systemd("again", state="started", daemon_reload=True))
    before = site.machine.run("systemctl show -p MainPID --value again")
    assert site.ends(systemd("again", state="restarted")) == ["changed"]
    assert site.machine.run("systemctl show -p MainPID --value again") != before


def test_a_unit_that_falls_over_fails_with_the_last_lines_of_its_journal(site: Site) -> None:
    site.play(unit("broken", "/bin/sh -c 'echo no such model >&2; exit 3'"))
    reason = site.reason(systemd("broken", state="started", daemon_reload=True))
    assert "last lines of its journal" in reason
    assert "no such model" in reason


def test_a_unit_that_is_masked_or_missing_is_said_to_be(site: Site) -> None:
    assert "Could not find the requested service nothing" in site.reason(systemd("nothing", state="started"))
    site.play(unit("masked", "/bin/true"))
    site.machine.run("rm /etc/systemd/system/masked.service; systemctl mask masked")
    assert "masked" in site.reason(systemd("masked", state="started"))


def test_a_check_of_units_changes_none(site: Site) -> None:
    site.play(unit("calm", "/bin/sleep 1000"), {"name": "reload", "systemd_service": {"daemon_reload": True}})
    assert site.ends(systemd("calm", state="started", enabled=True), options=("--check",)) == ["changed"]
    assert (
        site.machine.run("systemctl is-active calm; systemctl is-enabled calm; true")
        == "inactive\ndisabled\n"
    )


def test_a_kernel_setting_is_written_once(site: Site) -> None:
    task = {
        "name": "sysctl",
        "sysctl": {
            "name": "vm.swappiness",
            "value": 10,
            "sysctl_file": "/etc/sysctl.d/90-x.conf",
            "reload": False,
        },
    }
    assert site.ends(task, task) == ["changed", "ok"]
    assert site.machine.run("cat /etc/sysctl.d/90-x.conf") == "vm.swappiness=10\n"


def test_a_kernel_that_refuses_a_setting_fails_the_task(site: Site) -> None:
    """In a container /proc/sys is read-only; a setting that did not take must not pass for one that did."""
    task = {"name": "sysctl", "sysctl": {"name": "vm.swappiness", "value": 7, "sysctl_set": True}}
    assert "vm.swappiness" in site.reason(task)


def test_facts_are_the_machine_s_own(site: Site) -> None:
    ended = site.play({"name": "facts", "setup": {}})
    facts = ended.host("deb1")["tasks"][0]["result"]["ansible_facts"]
    assert facts["ansible_distribution"] == "Debian"
    assert facts["ansible_distribution_release"] == "bookworm"
    assert facts["ansible_distribution_major_version"] == "12"
    assert facts["ansible_service_mgr"] == "systemd"
    assert facts["ansible_pkg_mgr"] == "apt"
    assert facts["ansible_hostname"] == "deb1"
    assert facts["ansible_virtualization_type"] == "systemd-nspawn"


def test_a_run_goes_on_after_a_reboot_in_its_middle(site: Site) -> None:
    boot = "cat /proc/sys/kernel/random/boot_id"
    before = site.machine.run(boot)
    ended = site.play(
        {"name": "before", "shell": "echo x >> /var/before"},
        unit("after-boot", "/bin/sleep 1000"),
        systemd("after-boot", enabled=True, daemon_reload=True),
        {"name": "reboot", "reboot": {}},
        {"name": "boot id", "command": "cat /proc/sys/kernel/random/boot_id", "register": "boot"},
        {"name": "after", "shell": "echo {{ boot.stdout }} >> /var/after"},
    )
    host = ended.host("deb1")
    assert (ended.code, host["status"], len(host["tasks"])) == (0, "changed", 6), ended
    nspawn.await_boot(site.machine)
    assert site.machine.run("cat /var/before") == "x\n"
    assert site.machine.run("cat /var/after") == site.machine.run(boot) != before
    assert site.machine.run("systemctl is-active after-boot") == "active\n"
    assert host["tasks"][3]["result"]["rebooted"] is True


_ENGINE = """\
#!/usr/bin/python3
import http.server, json, os, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
json.dump({"words": sys.argv[1:], "note": os.environ.get("NOTE")}, open("/run/engine.json", "w"))
if options["--x"] == "crash":
    sys.exit("out of memory")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({"status": "ok"})
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not asked.get("stream"):
            return self.answer({"choices": [{"message": {"content": options["--x"]}}]})
        piece = json.dumps({"choices": [{"delta": {"content": options["--x"]}}]})
        self.answer(f"data: {piece}\\n\\ndata: [DONE]\\n\\n", "text/event-stream")
    def answer(self, said, kind="application/json"):
        body = (said if isinstance(said, str) else json.dumps(said)).encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer((options["--host"], int(options["--port"])), Answer).serve_forever()
"""


def _deploy(site: Site, value: str) -> Ended:
    services = site.edgectl.inventory / "services"
    services.mkdir(exist_ok=True)
    (services / "weights.bin").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    spec = {
        "name": "chat",
        "model": {"name": "m", "files": [{"source": "file://weights.bin", "sha256": digest}]},
        "engine": {
            "kind": "llama.cpp",
            "command": "/usr/local/bin/engine",
            "args": {"x": value},
            "environment": {"NOTE": value},
        },
        "place": "all",
        "serve": {"port": 8000, "front": "none"},
        "gates": {"ready": "20s"},
    }
    (services / "chat.yaml").write_text(yaml.safe_dump(spec))
    return site.edgectl("deploy", "apply", "chat", "-y", "-o", "json")


def test_real_systemd_takes_release_after_release_and_falls_back_from_a_crash(site: Site) -> None:
    """More starts within minutes than the unit's own limit allows, and each release's words arrive as written."""
    site.play(
        {"name": "engine", "copy": {"dest": "/usr/local/bin/engine", "mode": "0755", "content": _ENGINE}}
    )
    for value in ("plain", "two  words", 'it\'s "quoted"', "100% $HOME ${HOME} %h", "back\\slash;", "ü"):
        ended = _deploy(site, value)
        assert ended.code == 0, ended.host("deb1")["reason"]
        assert ended.host("deb1")["data"]["completion"] == value
        said = yaml.safe_load(site.machine.run("cat /run/engine.json"))
        assert (said["words"][-1], said["note"]) == (value, value)
    assert _deploy(site, "ü").host("deb1")["status"] == "ok"
    broken = _deploy(site, "crash")
    assert broken.code == 6  # the only host is the canary, and halts the deployment
    assert "out of memory" in broken.host("deb1")["reason"]
    assert "runs again" in broken.host("deb1")["reason"]
    assert site.machine.run("systemctl is-active edgectl-chat") == "active\n"
