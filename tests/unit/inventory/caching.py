"""A small inventory that has one of everything, kept in a cache and found there."""

from __future__ import annotations

from pathlib import Path

from edgectl.inventory.cache import Cache
from edgectl.inventory.loader import load_files
from edgectl.inventory.model import Fleet
from edgectl.inventory.packing import packed
from edgectl.inventory.unpacking import unpacked

NOW_NS = 2_000_000_000 * 10**9  # 2033: every file that a test has just written is old by then

FLEET = """\
defaults: {ssh: {user: edge, bastion: {address: 192.0.2.1, user: jump}}, vars: {a: 1, b: [x, {y: null}]}}
groups: {early: {hosts: "role=gpu", vars: {c: ü}}, nobody: "role=cache"}
racks: {small: {nodes: 2, hardware: l4-1, dpus: 1, labels: {kind: small}}}
"""
FRA = """\
pops:
  fra1:
    metro: FRA
    tz: Europe/Berlin
    state: maintenance
    window: {days: [tue, thu], start: "23:30", hours: 2.5}
    labels: {tier: gold}
    racks: {r1: {template: small, addresses: 10.0.0.0/28}}
    hosts:
      fra1-r1-n02: {vars: {c: 3}, ssh: {port: 23, bastion: null}}
      fra1-x1: {address: fra1-x1.example.net, labels: {rev: b}, host_key: ssh-ed25519 AAAA}
"""
SIN = "pops: {sin1: {hosts: {sin1-x1: {address: 10.0.1.1, hardware: l4-2}}}, empty1: {}}\n"


def written(folder: Path) -> Path:
    for name, text in {"fleet.yaml": FLEET, "pops/fra.yaml": FRA, "pops/sin.yaml": SIN}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def keep(cache: Cache, now_ns: int = NOW_NS) -> None:
    before = cache.stamps(now_ns)
    loaded = load_files(cache.source)
    cache.keep(packed(loaded.fleet), loaded.digests, before)


def found(cache: Cache, now_ns: int = NOW_NS) -> Fleet | None:
    parts = cache.found(now_ns)
    return None if parts is None else unpacked(parts[0], parts[1], parts[2], cache.source)
