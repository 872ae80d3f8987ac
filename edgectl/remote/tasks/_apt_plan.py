"""What apt decides: from what is wanted, installed and available to the words for apt-get."""

from __future__ import annotations

import fnmatch
import re

from edgectl.remote.lean import Callable, NamedTuple
from edgectl.remote.tasks._dpkg import Installed

_SPEC = re.compile(r"([^=>\s]+)\s*(?:(>?=)\s*(\S+))?")
# (version, operator as dpkg --compare-versions has it, version) -> holds
Compare = Callable[[str, str, str], bool]


class Wanted(NamedTuple):
    """A package as a person wrote it: name, name=version, name=1.2* or name>=version."""

    name: str
    operator: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.version}"

    def accepts(self, version: str, compare: Compare) -> bool:
        """Tell whether a version will do."""
        if self.operator == "=":
            return fnmatch.fnmatchcase(version, self.version)
        return not self.operator or compare(version, "ge", self.version)


class Offer(NamedTuple):
    """What the package sources have of one package: apt's choice, and all versions, best first."""

    candidate: str | None
    versions: tuple[str, ...] = ()


class Plan(NamedTuple):
    """Words for apt-get, or why there can be none."""

    words: list[str]
    problem: str = ""


def parse(text: str) -> Wanted:
    """Read one package as written; `ValueError` for what is none."""
    match = _SPEC.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"invalid package spec: {text!r}: write name, name=version or name=1.2*")
    return Wanted(match.group(1), match.group(2) or "", match.group(3) or "")


def is_satisfied(wanted: Wanted, installed: Installed, compare: Compare) -> bool:
    """Tell whether what is installed will do; a package that provides a virtual one does."""
    version = installed.version(wanted.name)
    if version is None:
        return not wanted.operator and bool(installed.providers(wanted.name))
    return wanted.accepts(version, compare)


def to_install(
    wanted: list[Wanted], installed: Installed, offers: dict[str, Offer], compare: Compare, *, latest: bool
) -> Plan:
    """Return what to install; what satisfies a pattern stays, even where a newer version would too.

    A name without an offer is left to apt-get, which knows virtual packages, and says so where it cannot.
    """
    words = []
    for one in wanted:
        here = installed.version(one.name)
        satisfied = is_satisfied(one, installed, compare)
        if satisfied and (not latest or here is None):
            continue
        offer = offers.get(one.name, Offer(None))
        best = _best(one, offer, compare)
        if best is None and satisfied:
            continue
        if best is None and one.operator:
            offered = ", ".join(offer.versions) or "none"
            return Plan([], f"no available installation candidate for {one}; versions offered: {offered}")
        if best is None:
            words.append(one.name)
        elif best != here:
            words.append(f"{one.name}={best}")
    return Plan(words)


def _best(wanted: Wanted, offer: Offer, compare: Compare) -> str | None:
    """Return apt's own choice where it will do, else the best version that does."""
    choices = ([offer.candidate] if offer.candidate is not None else []) + list(offer.versions)
    if not wanted.operator:
        return offer.candidate
    return next((version for version in choices if wanted.accepts(version, compare)), None)


def to_remove(wanted: list[Wanted], installed: Installed, compare: Compare, *, purge: bool) -> Plan:
    """Return what to remove; with `purge` also what left its configuration behind."""
    words = []
    for one in wanted:
        version = installed.version(one.name)
        known = installed.packages.get(one.name)
        leftover = purge and known is not None and known.status == "config-files"
        if leftover or (version is not None and one.accepts(version, compare)):
            words.append(one.name)
    return Plan(words)


def offers(policy: str) -> dict[str, Offer]:
    """Read what `apt-cache policy NAME…` said."""
    found: dict[str, Offer] = {}
    for block in re.split(r"^(?=\S)", policy, flags=re.MULTILINE):
        name, colon, rest = block.partition(":\n")
        candidate = re.search(r"^  Candidate: (\S+)", rest, re.MULTILINE)
        if colon and candidate is not None:
            versions = tuple(re.findall(r"^ (?:\*\*\*|   ) (\S+)", rest, re.MULTILINE))
            chosen = candidate.group(1)
            found[name.strip()] = Offer(None if chosen == "(none)" else chosen, versions)
    return found


class Change(NamedTuple):
    """What a transaction would do to a package that is here already."""

    verb: str  # remove, or change: another version
    name: str


def simulated(said: str) -> list[Change]:
    """Return the changes to installed packages in what `apt-get -s` said; a new package is none.

    Its lines are `Inst NAME [OLD] (NEW ORIGIN [ARCH])` and `Remv NAME [OLD]`; apt does not tell a downgrade apart.
    """
    found = []
    for line in said.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] in ("Remv", "Purg"):
            found.append(Change("remove", words[1]))
        elif len(words) > 2 and words[0] == "Inst" and words[2].startswith("["):  # noqa: PLR2004 - verb, name, version
            found.append(Change("change", words[1]))
    return found
