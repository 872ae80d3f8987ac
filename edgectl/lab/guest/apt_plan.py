"""What an `apt-get install` or `remove` would change: decided before anything is touched."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.lab.guest.catalogue import Offer, Pin, candidate
from edgectl.lab.guest.debversion import compare
from edgectl.lab.guest.packages import Package


class AptError(Exception):
    """What apt would say after `E: `; its exit code is 100."""


@dataclass
class Plan:
    """Versions to install by name, names to remove, and which of the installed were not asked for."""

    install: dict[str, str] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    automatic: set[str] = field(default_factory=set)
    kept: list[str] = field(default_factory=list)
    newest_already: list[str] = field(default_factory=list)


@dataclass
class Archive:
    """What can be had and what is there."""

    offers: dict[str, Offer]
    packages: dict[str, Package]
    pins: list[Pin]

    def version(self, name: str) -> str:
        """Return the installed version, empty for none."""
        package = self.packages.get(name)
        return package.version if package and package.installed else ""

    def candidate(self, name: str) -> str:
        """Return the version apt would choose."""
        return candidate(self.offers[name], self.version(name), self.pins)


def plan_install(words: list[str], archive: Archive, *, only_upgrade: bool = False) -> Plan:
    """Plan `install` of words like `chrony`, `curl=7.88*` or `jq-`. Raises `AptError`."""
    plan = Plan()
    for word in words:
        name, equals, wanted = word.partition("=")
        name = name.partition(":")[0] if name.endswith((":amd64", ":all")) else name
        if name.endswith("-") and name[:-1] in archive.packages:
            plan.remove.append(name[:-1])
            continue
        version = _chosen(name, wanted if equals else "", archive)
        installed = archive.version(name)
        if only_upgrade and not installed:
            continue
        held = installed and archive.packages[name].held and not equals
        if installed == version or held:
            plan.newest_already.append(name)
        else:
            _add(plan, name, version, archive)
    plan.automatic -= {word.partition("=")[0] for word in words}
    return plan


def _chosen(name: str, wanted: str, archive: Archive) -> str:
    if name not in archive.offers:
        raise AptError(f"Unable to locate package {name}")
    if not wanted:
        return archive.candidate(name)
    stem = wanted.rstrip("*")
    fitting = [version for version in archive.offers[name].versions if version == wanted or (
        stem != wanted and version.startswith(stem))]  # fmt: skip
    if wanted == archive.version(name):
        return wanted
    if not fitting:
        raise AptError(f"Version '{wanted}' for '{name}' was not found")
    return fitting[-1]


def _add(plan: Plan, name: str, version: str, archive: Archive) -> None:
    if plan.install.get(name) == version:
        return
    plan.install[name] = version
    for needed in archive.offers[name].depends_of(version):
        other, _, relation = needed.partition(" ")
        exact = relation.strip("()= ") if relation else ""
        other_version = exact or archive.version(other) or archive.candidate(other)
        if archive.version(other) != other_version:
            if not archive.version(other):
                plan.automatic.add(other)
            _add(plan, other, other_version, archive)


def plan_upgrade(archive: Archive) -> Plan:
    """Plan `upgrade`: the candidate of all that is installed and not held."""
    plan = Plan()
    for name, package in sorted(archive.packages.items()):
        if not package.installed or name not in archive.offers:
            continue
        if archive.candidate(name) != package.version:
            if package.held:
                plan.kept.append(name)
            else:
                _add(plan, name, archive.candidate(name), archive)
    return plan


def plan_remove(words: list[str], archive: Archive) -> Plan:
    """Plan `remove` and what cannot stay without it. Raises `AptError`."""
    plan = Plan()
    for word in words:
        if word not in archive.offers and word not in archive.packages:
            raise AptError(f"Unable to locate package {word}")
        if archive.version(word):
            _take(plan, word, archive)
    return plan


def _take(plan: Plan, name: str, archive: Archive) -> None:
    if name in plan.remove:
        return
    plan.remove.append(name)
    for other, package in archive.packages.items():
        needs = [needed.split(" ")[0] for needed in package.depends]
        if package.installed and name in needs:
            _take(plan, other, archive)


def plan_autoremove(automatic: set[str], archive: Archive) -> Plan:
    """Plan `autoremove`: automatic packages nobody needs."""
    plan = Plan()
    needed: set[str] = set()
    for name, package in archive.packages.items():
        if package.installed and name not in automatic:
            _collect(name, archive, needed)
    plan.remove = sorted(name for name in automatic if archive.version(name) and name not in needed)
    return plan


def _collect(name: str, archive: Archive, needed: set[str]) -> None:
    if name not in needed and name in archive.packages:
        needed.add(name)
        for text in archive.packages[name].depends:
            _collect(text.split(" ")[0], archive, needed)


def refuse(plan: Plan, archive: Archive, *, downgrades: bool, held: bool) -> None:
    """Raise `AptError` for what `-y` alone does not allow."""
    changed = [*plan.install, *plan.remove]
    if not held and any(archive.packages[name].held for name in changed if archive.version(name)):
        raise AptError("Held packages were changed and -y was used without --allow-change-held-packages.")
    older = [name for name, version in plan.install.items()
             if archive.version(name) and compare(version, archive.version(name)) < 0]  # fmt: skip
    if older and not downgrades:
        raise AptError("Packages were downgraded and -y was used without --allow-downgrades.")
