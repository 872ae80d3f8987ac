"""Facts about interfaces, addresses and default routes, from /proc, /sys and two kernel calls."""

from __future__ import annotations

import fcntl
import ipaddress
import os
import re
import socket
import struct

from edgectl.remote.facts_hardware import text_of
from edgectl.remote.lean import Any, Dict, Iterator, List

_GET_ADDRESS = 0x8915  # SIOCGIFADDR
_GET_NETMASK = 0x891B  # SIOCGIFNETMASK
_LINK_TYPES = {"1": "ether", "772": "loopback", "32": "infiniband"}
_SCOPES = {"00": "global", "10": "host", "20": "link", "40": "site"}


def gather() -> Dict[str, Any]:
    """Return the facts of the subset `network`."""
    names = sorted(os.listdir("/sys/class/net")) if os.path.isdir("/sys/class/net") else []
    devices = {name: _device(name) for name in names if os.path.isdir(f"/sys/class/net/{name}")}
    v6 = [address["address"] for device in devices.values() for address in device.get("ipv6", [])]
    return {
        "interfaces": list(devices),
        **{re.sub(r"[-:.]", "_", name): device for name, device in devices.items()},
        "all_ipv4_addresses": _own_v4(),
        "all_ipv6_addresses": [address for address in v6 if address != "::1"],
        "default_ipv4": _default_v4(devices),
        "default_ipv6": _default_v6(devices),
        "dns": {"nameservers": re.findall(r"^nameserver\s+(\S+)", text_of("/etc/resolv.conf"), re.MULTILINE)},
    }


def _device(name: str) -> Dict[str, Any]:
    folder = f"/sys/class/net/{name}"
    kind = (
        "bridge"
        if os.path.isdir(f"{folder}/bridge")
        else _LINK_TYPES.get(text_of(f"{folder}/type"), "unknown")
    )
    flags = int(text_of(f"{folder}/flags") or "0", 16)
    device: Dict[str, Any] = {
        "device": name,
        "type": kind,
        "active": text_of(f"{folder}/operstate") == "up" or (kind == "loopback" and bool(flags & 1)),
        "mtu": int(text_of(f"{folder}/mtu") or 0),
        "promisc": bool(flags & 0x100),
    }
    if kind != "loopback":
        device["macaddress"] = text_of(f"{folder}/address")
    v4, v6 = _address_v4(name), list(_addresses_v6(name))
    return {**device, **({"ipv4": v4} if v4 else {}), **({"ipv6": v6} if v6 else {})}


def _address_v4(name: str) -> Dict[str, str]:
    """Return the first IPv4 address of an interface, with its network."""
    request = struct.pack("256s", name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            address, mask = (
                socket.inet_ntoa(fcntl.ioctl(asking.fileno(), wanted, request)[20:24])
                for wanted in (_GET_ADDRESS, _GET_NETMASK)
            )
        except OSError:
            return {}
    network = ipaddress.ip_network(f"{address}/{mask}", strict=False)
    return {
        "address": address,
        "netmask": mask,
        "network": str(network.network_address),
        "broadcast": "" if address.startswith("127.") else str(network.broadcast_address),
        "prefix": str(network.prefixlen),
    }


def _addresses_v6(name: str) -> Iterator[Dict[str, str]]:
    for line in text_of("/proc/net/if_inet6").splitlines():
        raw, _, prefix, scope, _, device = line.split()
        if device == name:
            address = str(ipaddress.IPv6Address(bytes.fromhex(raw)))
            yield {"address": address, "prefix": str(int(prefix, 16)), "scope": _SCOPES.get(scope, "unknown")}


def _own_v4() -> List[str]:
    """Return every IPv4 address of this host, second ones of an interface included, except loopback."""
    found = re.findall(r"\|-- ([\d.]+)\n\s+/32 host LOCAL", text_of("/proc/net/fib_trie"))
    return [address for address in dict.fromkeys(found) if not address.startswith("127.")]


def _default_v4(devices: Dict[str, Dict[str, Any]]) -> Dict[str, Any]:
    """Return the interface and gateway of the default route with the lowest metric, or nothing."""
    routes = [line.split() for line in text_of("/proc/net/route").splitlines()[1:]]
    defaults = [route for route in routes if route[1] == "00000000" and route[7] == "00000000"]
    if not defaults:
        return {}
    best = min(defaults, key=lambda route: int(route[6]))
    gateway = socket.inet_ntoa(struct.pack("<I", int(best[2], 16)))
    return {**_of_interface(devices, best[0]), "gateway": gateway, **devices.get(best[0], {}).get("ipv4", {})}


def _default_v6(devices: Dict[str, Dict[str, Any]]) -> Dict[str, Any]:
    routes = [line.split() for line in text_of("/proc/net/ipv6_route").splitlines()]
    defaults = [
        route
        for route in routes
        if set(route[0]) == {"0"} and route[1] == "00" and route[9] not in ("", "lo")
    ]
    if not defaults:
        return {}
    best = min(defaults, key=lambda route: int(route[5], 16))
    gateway = str(ipaddress.IPv6Address(bytes.fromhex(best[4])))
    v6 = devices.get(best[9], {}).get("ipv6", [])
    reachable = [address for address in v6 if address["scope"] == "global"]
    return {**_of_interface(devices, best[9]), "gateway": gateway, **(reachable[0] if reachable else {})}


def _of_interface(devices: Dict[str, Dict[str, Any]], name: str) -> Dict[str, Any]:
    device = devices.get(name, {})
    kept: Dict[str, Any] = {key: device[key] for key in ("macaddress", "mtu", "type") if key in device}
    return {"interface": name, "alias": name, **kept}
