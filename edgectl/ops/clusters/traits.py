"""What a host is known by: its place and make in the inventory, and the facts that a run brought back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgectl.engine.outcome import HostOutcome
from edgectl.inventory.model import Host

Traits = Mapping[str, str]

# Facts that many hosts share and that a failure may come from, by their name in Ansible's words.
_FACTS = {
    "ansible_kernel": "kernel",
    "ansible_distribution_version": "distribution version",
    "ansible_architecture": "architecture",
    "ansible_bios_version": "firmware",
    "ansible_product_name": "product",
    "ansible_system_vendor": "vendor",
    "ansible_board_version": "board version",
    "ansible_python_version": "python",
    "ansible_virtualization_type": "virtualization",
}
_GPU_FACTS = {"driver_version": "driver", "kernel": "kernel"}
# From what a host is to where it stands, the larger place before the smaller: of traits that the same hosts have, the
# first is told first.
_ORDER = (
    "firmware",
    "driver",
    "kernel",
    "distribution version",
    "python",
    "board version",
    "product",
    "vendor",
    "architecture",
    "virtualization",
    "hardware",
    "role",
    "state",
    "bastion",
    "region",
    "country",
    "metro",
    "pop",
    "rack",
)
PLACES = frozenset({"bastion", "region", "country", "metro", "pop", "rack"})
# What goes down as a whole.
SITES = frozenset({"bastion", "pop", "rack"})
# Known of a host only where it said so; the inventory's traits are known of every host.
SAID = frozenset({*_FACTS.values(), *_GPU_FACTS.values()})


def traits_of(host: Host, outcome: HostOutcome | None = None) -> Traits:
    """Return the traits of a host, those it has a value for; `outcome` is of the run that is told."""
    return {**inventory_traits(host), **(dict(_said(outcome)) if outcome is not None else {})}


def inventory_traits(host: Host) -> Traits:
    """Return what the inventory says of a host."""
    named = {
        "hardware": host.hardware,
        "role": host.role,
        "state": host.pop.state.value,
        "bastion": host.ssh.bastion.address if host.ssh.bastion else "",
        "region": host.pop.region,
        "country": host.pop.country,
        "metro": host.pop.metro,
        "pop": host.pop.name,
        "rack": host.rack,
        **{f"labels.{name}": value for name, value in host.labels.items()},
    }
    return {name: value for name, value in named.items() if value}


def order(name: str) -> tuple[int, str]:
    """Return where a trait stands among those that the same hosts have; labels follow what is known by itself."""
    return (_ORDER.index(name) if name in _ORDER else _ORDER.index("role"), name)


def words(name: str, value: str) -> str:
    """Return a trait as a person reads it behind `have` or `are`."""
    if name.startswith("labels."):
        return f"label {name.removeprefix('labels.')}={value}"
    return f"{name} {value}"


def verb(name: str) -> str:
    """Return how hosts and a trait go together."""
    if name == "bastion":
        return "are behind"
    return "are in" if name in PLACES or name == "state" else "have"


def _said(outcome: HostOutcome) -> Iterator[tuple[str, str]]:
    for task in outcome.tasks:
        facts = task.result.get("ansible_facts")
        if isinstance(facts, dict):
            yield from _named(facts, _FACTS)
        if task.module in ("gpu_facts", "health_facts"):
            yield from _named(task.result, _GPU_FACTS)


def _named(facts: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for fact, name in names.items():
        value = facts.get(fact)
        if isinstance(value, str | int) and str(value).strip() not in ("", "NA"):
            yield name, str(value).strip()
