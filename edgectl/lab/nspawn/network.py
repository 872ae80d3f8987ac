"""A network of the lab's own: a bridge in a network namespace, a veth to each machine, and one to this machine.

Everything but this machine's end of the last one lives in the lab's namespaces, and that end vanishes with
its other one: nothing has to be taken away.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from edgectl.errors import MissingError

Subnet = ipaddress.IPv4Network
NAMESPACES = Path("/run/netns")  # where `ip netns` keeps them; the keeper's /run is its own
_CANDIDATES = tuple(Subnet(f"10.{second}.77.0/24") for second in range(213, 254))
_BRIDGE = "edgectl0"
_UPLINK = "uplink"
_END_S = 10.0
_STEP_S = 0.02


def choose_subnet(wanted: str) -> Subnet:
    """Return `wanted`, or where it is empty a range that no route of this machine touches.

    Raises `MissingError` naming the route in the way.
    """
    taken = [route for route in _routes() if route.prefixlen]
    candidates = (Subnet(wanted),) if wanted else _CANDIDATES
    for subnet in candidates:
        if not any(route.overlaps(subnet) for route in taken):
            return subnet
    last = candidates[-1]
    in_the_way = next(route for route in taken if route.overlaps(last))
    raise MissingError(
        f"this machine has a route to {in_the_way} already, so the lab cannot have {last}",
        hint="name a free range with --subnet",
    )


def _routes() -> Iterable[Subnet]:
    found = json.loads(_ip("-json", "-4", "route", "show", "table", "all") or "[]")
    return [Subnet(route["dst"]) for route in found if route["dst"] != "default"]


def link_to(keeper: int, name: str, subnet: Subnet) -> None:
    """Join this machine by a link, as the first address of `subnet`, to the network namespace of a process."""
    _ip("link", "add", name, "type", "veth", "peer", "name", _UPLINK, "netns", str(keeper))
    _ip("address", "add", f"{subnet[1]}/{subnet.prefixlen}", "dev", name)
    _ip("link", "set", name, "up")


def await_no_link(name: str) -> None:
    """Wait until a link of this machine has gone; the kernel ends a network namespace in its own time."""
    deadline = time.monotonic() + _END_S
    while name in {known for _, known in socket.if_nameindex()} and time.monotonic() < deadline:
        time.sleep(_STEP_S)


def make_bridge() -> None:
    """Make the bridge in this network namespace and join the link to the machine outside."""
    _ip("link", "set", "lo", "up")
    _ip("link", "add", _BRIDGE, "type", "bridge")
    _ip("link", "set", _BRIDGE, "up")
    _ip("link", "set", _UPLINK, "master", _BRIDGE, "up")


def wire_up(name: str, address: str) -> Path:
    """Give a machine a fresh network namespace with `eth0` on the bridge; return the namespace's file."""
    number = ipaddress.IPv4Interface(address).ip.packed
    port = f"m{number.hex()}"
    mac = f"02:00:{number.hex(':')}"  # the same with each boot, as neighbours remember it
    namespace = NAMESPACES / name
    if namespace.exists():
        _ip("netns", "delete", name)
        subprocess.run(
            ["ip", "link", "delete", port], capture_output=True, check=False
        )  # may be gone with it
    _ip("netns", "add", name)
    _ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
    _ip("link", "set", port, "master", _BRIDGE, "up")
    _ip("-n", name, "link", "set", "eth0", "address", mac)
    _ip("-n", name, "address", "add", address, "dev", "eth0")
    for link in ("lo", "eth0"):
        _ip("-n", name, "link", "set", link, "up")
    return namespace


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingError(
            f"a private network: ip {' '.join(words)}: {done.stderr.strip()}",
            hint="the kernel may lack veth or bridge; without --network private the machines share this one's",
        )
    return done.stdout
