"""Real Debian machines with HAProxy on a network of their own, a model service on them, and a client outside."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import ipaddress
import json
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edgectl.lab.nspawn import cgroups
from edgectl.lab.nspawn.debian import root_in
from edgectl.lab.nspawn.line import KeeperLine
from edgectl.lab.nspawn.machine import HOST_KEY, Access, write_layer
from edgectl.lab.nspawn.machine import Machine as Made
from edgectl.lab.nspawn.network import await_no_link, choose_subnet, link_to
from tests.cli_run import ROOT, Edgectl, Ended
from tests.hosts import nspawn
from tests.hosts.machines import PORT, keypair
from tests.hosts.nspawn import Debian

_HERE = Path(__file__).parent
ENGINE, LLAMA = "/usr/local/bin/scripted-engine", "/usr/local/bin/llama-engine"
_LIBRARIES = ("libgomp.so.1", "libstdc++.so.6", "libgcc_s.so.1")
SERVICE_PORT = 8000
_POP = {"metro": "FRA", "region": "eu-central", "country": "DE", "tz": "Europe/Berlin", "state": "live"}


@dataclass(frozen=True)
class Site:
    """Hosts by name, and the command with their inventory."""

    machines: dict[str, Debian]
    edgectl: Edgectl
    folder: Path
    here: str  # this machine's address on their network

    @property
    def urls(self) -> list[str]:
        return [f"http://{machine.address}:{SERVICE_PORT}" for machine in self.machines.values()]

    def write_script(self, says: str, **more: Any) -> None:
        """Let the specification serve a scripted model: what it says, and what is wrong with it."""
        self.write_model(json.dumps({"says": says, **more}).encode(), ENGINE)

    def write_model(self, content: bytes, program: str, **more: Any) -> None:
        services = self.edgectl.inventory / "services"
        services.mkdir(exist_ok=True)
        (services / "model.bin").write_bytes(content)
        file = {"source": "file://model.bin", "sha256": hashlib.sha256(content).hexdigest()}
        spec = {
            "name": "chat",
            "model": {"name": "tiny", "files": [file]},
            "engine": {"kind": "llama.cpp", "command": program},
            "place": "all",
            "serve": {"port": SERVICE_PORT},
            "gates": {"ready": "30s", "smoke": {"tokens": 8, "stream": True}},
            "rollout": {"canary": 1},
            "strategy": {"drain": "30s"},
        }
        (services / "chat.yaml").write_text(yaml.safe_dump(merged(spec, more)))

    def apply(self, *words: str, timeout_s: float = 300) -> Ended:
        return self.edgectl("deploy", "apply", "chat", "-y", "-o", "json", *words, timeout_s=timeout_s)

    def rollback(self, *words: str, timeout_s: float = 300) -> Ended:
        return self.edgectl("deploy", "rollback", "chat", "-y", "-o", "json", *words, timeout_s=timeout_s)

    def on_all(self, command: str) -> list[str]:
        return [machine.run(command).strip() for machine in self.machines.values()]

    @contextmanager
    def under_load(self, rate: float, tokens: int = 8) -> Iterator[dict[str, Any]]:
        """Keep a client at it meanwhile; the mapping holds what it saw once the block has ended."""
        report, seen = self.folder / f"client-{time.monotonic_ns()}.json", dict[str, Any]()
        words = [str(rate), str(tokens), str(report), *self.urls]
        client = subprocess.Popen([sys.executable, str(_HERE / "steady_client.py"), *words])
        try:
            time.sleep(0.5)
            yield seen
            time.sleep(0.5)
        finally:
            client.terminate()
            client.wait(timeout=90)
            seen.update(json.loads(report.read_text()))


def merged(spec: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping with another one laid over it, part by part."""
    return {
        key: merged(spec.get(key, {}), more[key])
        if isinstance(more.get(key), dict)
        else more.get(key, spec.get(key))
        for key in {**spec, **more}
    }


def engine_tree(tree: Path) -> Path:
    """Make what lies over a bare Debian so that it can run the scripted engine."""
    program = tree / ENGINE[1:]
    program.parent.mkdir(parents=True)
    program.write_text("#!/usr/bin/python3\n" + (_HERE / "scripted_engine.py").read_text())
    program.chmod(0o755)
    return tree


@contextmanager
def debian_service(folder: Path, nodes: Sequence[str], tree: Path | None = None) -> Iterator[Site]:
    """Boot hosts by name (POP-r1-nNN) on a bridge of their own, with a link to this machine."""
    tree = tree or engine_tree(folder / "tree")
    client = keypair(folder / "client_key")
    mark = f"{zlib.crc32(str(folder).encode()):08x}"
    groups = cgroups.groups_for(f"edgectl-test-{mark}")
    subnet, link = choose_subnet(""), f"edg{mark}"
    with contextlib.ExitStack() as made:
        line = KeeperLine(folder / "keeper.log", private=True)
        made.callback(_end, line, groups, link)
        link_to(line.process.pid, link, subnet)
        line.ask("bridge")
        ground = Ground(folder, line, groups, subnet, client, tree)
        machines = {name: ground.boot(name, number) for number, name in enumerate(nodes, start=10)}
        for machine in machines.values():
            nspawn.await_boot(machine)
        home = folder / "home"
        home.mkdir()
        command = Edgectl(home, _inventory(folder / "inventory", machines), {})
        yield Site(machines, command, folder, str(subnet[1]))


def _end(line: KeeperLine, groups: tuple[str, ...], link: str) -> None:
    line.close()
    left = cgroups.remove(groups)
    await_no_link(link)
    assert not left, left


@dataclass(frozen=True)
class Ground:
    """What all hosts of a site share."""

    folder: Path
    line: KeeperLine
    groups: tuple[str, ...]
    subnet: ipaddress.IPv4Network
    client: Path
    tree: Path

    def boot(self, name: str, number: int) -> Debian:
        """Boot a host at an address of the subnet; it takes logins in a moment."""
        place, address = self.folder / name, str(self.subnet[number])
        place.mkdir()
        host_key, authorized = keypair(place / "host_key"), self.client.with_suffix(".pub").read_text()
        access = Access(address, PORT, {HOST_KEY: host_key.read_text()}, authorized)
        write_layer(place, name, access, self.tree)
        own = tuple(f"{group}/{name}" for group in self.groups)
        machine = Debian(name, address, place, self.client, host_key, self.line.process, PORT, self.line, own)
        (place / "known_hosts").write_text(machine.pin() + "\n")
        root, wire = str(root_in(nspawn.cache())), f"{address}/{self.subnet.prefixlen}"
        self.line.boot(Made(name, str(place), root, 4096, own, wire))
        return machine


def _inventory(place: Path, machines: dict[str, Debian]) -> Path:
    place.mkdir()
    one = next(iter(machines.values()))
    pops: dict[str, Any] = {}
    for name, machine in machines.items():
        pop = pops.setdefault(name.split("-", maxsplit=1)[0], {**_POP, "hosts": {}})
        pop["hosts"][name] = {"address": machine.address, "role": "gpu"}
    defaults = {"ssh": {"user": "root", "port": one.port, "key": str(one.client_key)}}
    (place / "fleet.yaml").write_text(yaml.safe_dump({"defaults": defaults, "pops": pops}))
    (place / "known_hosts").write_text("".join(f"{machine.pin()}\n" for machine in machines.values()))
    return place


def names(pops: int, nodes: int) -> list[str]:
    """Return names of hosts in PoPs."""
    return [f"tst{pop}-r1-n{node:02}" for pop in range(1, pops + 1) for node in range(1, nodes + 1)]


def missing() -> str:
    """Return why such hosts cannot be made here, or an empty text."""
    return nspawn.missing()


def pid_of(machine: Debian, unit: str) -> str:
    """Return the main process of a unit, 0 for none."""
    return machine.run(f"systemctl show -p MainPID --value {unit}").strip()


def llama_tree(tree: Path) -> Path:
    """Make what lies over a bare Debian so that it can run llama.cpp, as the lab's engine does."""
    package = Path(importlib.util.find_spec("xllamacpp").origin).parent  # type: ignore[union-attr, arg-type]
    program = engine_tree(tree) / LLAMA[1:]
    shutil.copytree(package, tree / "opt/engine/xllamacpp", ignore=shutil.ignore_patterns("__pycache__"))
    for library in _LIBRARIES:
        shutil.copy(Path("/usr/lib/x86_64-linux-gnu") / library, tree / "opt/engine")
    (tree / "opt/engine/engine.py").write_text((ROOT / "edgectl/lab/engine.py").read_text())
    program.write_text(
        "#!/bin/sh\nexport PYTHONPATH=/opt/engine LD_LIBRARY_PATH=/opt/engine\n"
        'exec /usr/bin/python3 /opt/engine/engine.py "$@"\n'
    )
    program.chmod(0o755)
    return tree
