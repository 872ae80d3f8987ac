"""edgectl and ansible-playbook as their users start them, through the same line, with the same playbook."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.cli_run import ROOT
from tests.faults.rig import Site
from tests.hosts.ansible_twin import ANSIBLE

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: must not run twice
      shell: echo begun >> /srv/seen; sleep 3; echo ended >> /srv/seen
"""
_RECAP = re.compile(r"changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")
# What differs from one measurement to the next, and how much of a reason a table can show.
_PLACES = re.compile(r"\[?127[0-9.]+\]?(:\d+)?")
_RUNS = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}(\.\w+)*")
_REASON_CHARACTERS = 80


class Tool(Protocol):
    """Runs the playbook at a site."""

    @property
    def name(self) -> str:
        """Return how it is called."""
        ...

    @property
    def limit_s(self) -> float:
        """Return how long an operator waits for it here."""
        ...

    def start(self, site: Site) -> subprocess.Popen[str]:
        """Start a run."""
        ...

    def again(self, site: Site) -> subprocess.Popen[str]:
        """Do what its operator would do after its controller died."""
        ...

    def verdict(self, out: str) -> str:
        """Return what its report says of the host."""
        ...


def verdict_of(tool: Tool, process: subprocess.Popen[str]) -> str:
    """Wait for a run and return what it reports; it is ended where it does not come to an end."""
    try:
        out, err = process.communicate(timeout=tool.limit_s)
    except subprocess.TimeoutExpired:
        end(process)
        return f"nothing within {tool.limit_s:g} s"
    return tool.verdict(out) if out else f"nothing: {err[-200:]}"


def end(process: subprocess.Popen[str]) -> None:
    """Kill a command with everything that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@dataclass(frozen=True, slots=True)
class EdgectlTool:
    """The command with an operator's default deadlines."""

    home: Path
    name: str = "edgectl"
    limit_s: float = 240.0

    def start(self, site: Site) -> subprocess.Popen[str]:
        """Run the playbook."""
        address, port = site.proxy.listen
        self.home.mkdir(exist_ok=True)
        (self.home / "play.yaml").write_text(PLAYBOOK)
        (self.home / "fleet.yaml").write_text(
            f"defaults: {{ssh: {{user: root, port: {port}, key: {site.machine.client_key}}}}}\n"
            "pops:\n  tst1:\n    metro: FRA\n    region: eu\n    country: DE\n    tz: Europe/Berlin\n"
            f"    state: live\n    hosts:\n      n01: {{address: {address}, role: gpu}}\n"
        )
        pin = site.machine.host_key.with_suffix(".pub").read_text().split()[:2]
        (self.home / "known_hosts").write_text(f"[{address}]:{port} {' '.join(pin)}\n")
        return self._command("run", "play.yaml")

    def again(self, site: Site) -> subprocess.Popen[str]:
        """Resume the latest run."""
        del site
        return self._command("runs", "resume")

    def verdict(self, out: str) -> str:
        """Return the host's status and reason."""
        (host,) = json.loads(out)["hosts"]
        reason = _RUNS.sub("RUN", _PLACES.sub("the host", str(host["reason"])))
        if len(reason) > _REASON_CHARACTERS:
            reason = f"{reason[:_REASON_CHARACTERS].rsplit(maxsplit=1)[0]} …"
        return f"{host['status']}: {reason}" if reason else str(host["status"])

    def _command(self, *words: str) -> subprocess.Popen[str]:
        inventory = self.home / "fleet.yaml"
        command = [sys.executable, "-m", "edgectl", *words, "-o", "json", "-i", str(inventory)]
        return _popen(command, self.home, {"PYTHONPATH": str(ROOT)})


@dataclass(frozen=True, slots=True)
class AnsibleTool:
    """ansible-playbook as it is shipped: its ssh transport, its default settings."""

    home: Path
    name: str = "ansible-core"
    limit_s: float = 60.0

    def start(self, site: Site) -> subprocess.Popen[str]:
        """Run the playbook."""
        address, port = site.proxy.listen
        self.home.mkdir(exist_ok=True)
        (self.home / "play.yaml").write_text(PLAYBOOK)
        pin = " ".join(site.machine.host_key.with_suffix(".pub").read_text().split()[:2])
        (self.home / "known_hosts").write_text(f"[{address}]:{port} {pin}\n")
        (self.home / "hosts.ini").write_text(
            f"n01 ansible_host={address} ansible_port={port} ansible_user=root "
            f"ansible_ssh_private_key_file={site.machine.client_key} "
            f"ansible_ssh_common_args='-o UserKnownHostsFile={self.home / 'known_hosts'}'\n"
        )
        command = [str(ANSIBLE), "-i", "hosts.ini", "play.yaml"]
        more = {"ANSIBLE_LOCAL_TEMP": str(self.home / "local"), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
        return _popen(command, self.home, more)

    def again(self, site: Site) -> subprocess.Popen[str]:
        """Run the playbook again: there is nothing to resume."""
        return self.start(site)

    def verdict(self, out: str) -> str:
        """Return what the recap counts."""
        recap = _RECAP.search(out)
        assert recap, out
        changed, unreachable, failed = (int(number) for number in recap.groups())
        return "unreachable" if unreachable else "failed" if failed else "changed" if changed else "ok"


def _popen(command: list[str], home: Path, more: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
