"""Inventories as large as a fleet gets: a file per PoP, racks by templates or every host written out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgectl.inventory.generate import metros

_COMMON = """\
defaults:
  ssh: {user: edge, port: 22, key: ~/.ssh/edge_ed25519}
  vars: {driver_branch: "580"}
groups:
  canary: "site=1:&role=gpu"
  gold: {hosts: "tier=gold", vars: {priority: 1}}
racks:
  rtx-4: {nodes: 4, hardware: rtx-pro-6000-server-8}
  rtx-5: {nodes: 5, hardware: rtx-pro-6000-server-4}
"""


def write_racks(folder: Path, pops: int, hosts: int) -> None:
    """Write a folder with a file per PoP, whose hosts come from rack templates."""
    _write(folder, dict(_racks(pops, hosts)))


def write_listed(folder: Path, pops: int, hosts: int) -> None:
    """Write the same fleet with every host written out, as an inventory that some program exported."""
    _write(folder, dict(_listed(pops, hosts)))


def _write(folder: Path, files: dict[str, str]) -> None:
    (folder / "pops").mkdir(parents=True)
    (folder / "fleet.yaml").write_text(_COMMON, encoding="utf-8")
    for name, text in files.items():
        (folder / "pops" / f"{name}.yaml").write_text(text, encoding="utf-8")


def _sizes(pops: int, hosts: int) -> Iterator[tuple[str, str, str, int]]:
    """Yield for each PoP its name, what it says of itself, its network's first octets, and its number of hosts."""
    table = metros()
    for index in range(pops):
        metro, site = table[index % len(table)], index // len(table) + 1
        name = f"{metro.metro.lower()}{site}"
        tier = "gold" if index % 10 == 0 else "silver"
        said = (
            f"pops:\n  {name}:\n    metro: {metro.metro}\n    region: {metro.region}\n"
            f'    country: "{metro.country}"\n    tz: {metro.tz}\n    state: live\n'
            f'    window: {{days: [tue, wed, thu], start: "01:00", hours: 4}}\n'
            f'    labels: {{site: "{site}", tier: {tier}}}\n'
            f"    ssh: {{bastion: {{address: bastion.{name}.example.net, user: jump}}}}\n"
        )
        count = hosts * (index + 1) // pops - hosts * index // pops
        yield name, said, f"10.{index >> 8}.{index & 255}", count


def _racks(pops: int, hosts: int) -> Iterator[tuple[str, str]]:
    for name, said, network, count in _sizes(pops, hosts):
        template = f"rtx-{count}"
        yield name, f"{said}    racks:\n      r1: {{template: {template}, addresses: {network}.0/24}}\n"


def _listed(pops: int, hosts: int) -> Iterator[tuple[str, str]]:
    for name, said, network, count in _sizes(pops, hosts):
        lines = "".join(
            f"      {name}-r1-n{number:02}:\n        address: {network}.{number + 1}\n        role: gpu\n"
            f'        hardware: rtx-pro-6000-server-8\n        labels: {{rev: b, slot: "{number}"}}\n'
            for number in range(1, count + 1)
        )
        yield name, f"{said}    hosts:\n{lines}"
