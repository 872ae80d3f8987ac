"""A plausible fleet of any size on real metros, to try edgectl on before there are racks.

The same arguments give the same files, byte for byte, on every machine.
"""

from __future__ import annotations

import bisect
import csv
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TypeVar

Choice = TypeVar("Choice")

# Addresses are private (10/8): one /25 per PoP, split into a /26 per rack; room for 131,072 PoPs.
_POP_ADDRESSES = 128
POP_LIMIT = 2**24 // _POP_ADDRESSES

_HEADER = "# Made by: edgectl inventory generate --pops {pops} --seed {seed}\n"
_STATES = {"live": 94, "maintenance": 3, "planned": 2, "retired": 1}
# The racks of a PoP, and how often: most sites are one rack of RTX PRO 6000; older and larger are exceptions.
_SITES: Mapping[tuple[str, ...], int] = {
    ("rtx-8",): 78,
    ("rtx-4",): 8,
    ("rtx-8", "rtx-8"): 8,
    ("hgx-4", "rtx-8"): 3,
    ("l4-8",): 3,
}

_FLEET = """\
defaults:
  ssh: {user: edge, port: 22}
  vars:
    driver_branch: "580"
groups:
  canary: "site=1:&role=gpu"
  dpus:
    hosts: "role=dpu"
    ssh: {user: ubuntu}
racks:
  rtx-8: {nodes: 8, hardware: rtx-pro-6000-server-8, dpus: 1}
  rtx-4: {nodes: 4, hardware: rtx-pro-6000-server-4, dpus: 1}
  hgx-4: {nodes: 4, hardware: hgx-b200-8, dpus: 2}
  l4-8: {nodes: 8, hardware: l4-4}
"""


@dataclass(frozen=True, slots=True)
class Metro:
    """A city that has data centres; `weight` is how many of a fleet's PoPs it draws, beside the others'."""

    metro: str
    city: str
    country: str
    region: str
    tz: str
    weight: int


def metros() -> list[Metro]:
    """Return the table of metros."""
    text = resources.files("edgectl.inventory").joinpath("metros.csv").read_text(encoding="utf-8")
    return [
        Metro(row["metro"], row["city"], row["country"], row["region"], row["tz"], int(row["weight"]))
        for row in csv.DictReader(text.splitlines())
    ]


def generate(pops: int, seed: int) -> dict[str, str]:
    """Return the files of an inventory with `pops` PoPs, by their path in its folder.

    `ValueError` for fewer than one PoP or more than `POP_LIMIT`.
    """
    if not 1 <= pops <= POP_LIMIT:
        raise ValueError(f"a fleet has 1 to {POP_LIMIT:,} PoPs, not {pops:,}")
    chance = random.Random(seed)  # noqa: S311 - a reproducible example, not a secret
    header = _HEADER.format(pops=pops, seed=seed)
    files = {"fleet.yaml": header + _FLEET}
    sites = sorted(_sites(pops, chance), key=lambda site: (site.metro.region, site.metro.metro, site.number))
    for region, of_region in itertools.groupby(sites, key=lambda site: site.metro.region):
        files[f"pops/{region}.yaml"] = header + "pops:\n" + "".join(map(_pop, of_region))
    return files


@dataclass(frozen=True, slots=True)
class _Site:
    """One PoP: the `number`th of its metro, the `index`th of the fleet."""

    metro: Metro
    number: int
    index: int
    racks: tuple[str, ...]
    state: str


def _sites(pops: int, chance: random.Random) -> Iterator[_Site]:
    by_weight = {metro: metro.weight for metro in metros()}
    counts: Counter[str] = Counter()
    for index in range(pops):
        metro, racks, state = _draw(by_weight, chance), _draw(_SITES, chance), _draw(_STATES, chance)
        counts[metro.metro] += 1
        yield _Site(metro, counts[metro.metro], index, racks, "live" if index == 0 else state)


def _draw(weights: Mapping[Choice, int], chance: random.Random) -> Choice:
    """Draw by weight; `random.random` is the one draw that Python promises to repeat in every version."""
    totals = list(itertools.accumulate(weights.values()))
    return list(weights)[bisect.bisect(totals, chance.random() * totals[-1])]


def _pop(site: _Site) -> str:
    name = f"{site.metro.metro.lower()}{site.number}"
    racks = "".join(
        f"      r{number}: {{template: {template}, addresses: {_network(site.index, number)}}}\n"
        for number, template in enumerate(site.racks, 1)
    )
    return (
        f"  {name}:  # {site.metro.city}\n"
        f"    metro: {site.metro.metro}\n"
        f"    region: {site.metro.region}\n"
        f'    country: "{site.metro.country}"\n'
        f"    tz: {site.metro.tz}\n"
        f"    state: {site.state}\n"
        f'    window: {{days: [tue, wed, thu], start: "01:00", hours: 4}}\n'
        f'    labels: {{site: "{site.number}"}}\n'
        f"    ssh: {{bastion: {{address: bastion.{name}.example.net, user: jump}}}}\n"
        f"    racks:\n{racks}"
    )


def _network(index: int, rack: int) -> str:
    number = index * _POP_ADDRESSES + (rack - 1) * _POP_ADDRESSES // 2
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}/26"
