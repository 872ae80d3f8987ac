"""Nodes of a kind beside each other: the median of what they were accepted with, and who falls behind it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from edgectl.engine.certificates import Certified
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.inventory.model import Host
from edgectl.remote.tasks._acceptance import is_below, told

MODULE = "certificate"


class Cohort:
    """The figures of one kind of hardware, test by test, in order."""

    def __init__(self) -> None:
        self._figures: dict[str, list[tuple[float, str]]] = defaultdict(list)
        self._of: dict[tuple[str, str], float] = {}

    def add(self, host: str, figures: Mapping[str, float]) -> None:
        """Take a node's figures in place of those it had."""
        for test, value in figures.items():
            ordered, before = self._figures[test], self._of.get((test, host))
            if before is not None:
                ordered.pop(bisect_left(ordered, (before, host)))
            insort(ordered, (value, host))
            self._of[test, host] = value

    def medians(self) -> dict[str, dict[str, Any]]:
        """Return each test's `median`, and how many `hosts` that is of."""
        return {
            test: {"median": _median(found), "hosts": len(found)} for test, found in self._figures.items()
        }


def _median(found: list[tuple[float, str]]) -> float:
    middle = len(found) // 2
    return found[middle][0] if len(found) % 2 else (found[middle - 1][0] + found[middle][0]) / 2


class Cohorts:
    """All kinds of a run's hosts, as they were known when it began; hosts that end in it join them."""

    def __init__(self, hosts: Iterable[Host], known: Iterable[Certified]) -> None:
        self._kind = {host.name: host.hardware for host in hosts}
        self._cohorts: dict[str, Cohort] = defaultdict(Cohort)
        for certified in known:
            self._cohorts[certified.hardware].add(certified.host, certified.figures())

    def variables(self) -> dict[str, Mapping[str, Any]]:
        """Return `cohort` for every host that has one: what its own measurements are judged by."""
        medians = {kind: self._cohorts[kind].medians() for kind in set(self._kind.values())}
        return {name: {"cohort": medians[kind]} for name, kind in self._kind.items() if medians[kind]}

    def judged(self, outcome: HostOutcome) -> HostOutcome:
        """Fail a host that was accepted for itself and falls behind those that ended before it."""
        certificate = (outcome.result_of(MODULE) or {}).get("certificate") or {}
        if outcome.host not in self._kind or not certificate or outcome.status is HostStatus.FAILED:
            return outcome
        cohort = self._cohorts[self._kind[outcome.host]]
        figures = {test["name"]: float(test["value"]) for test in certificate["tests"] if test.get("figures")}
        cohort.add(outcome.host, figures)
        medians = cohort.medians()
        waived = {waiver["test"] for waiver in certificate["waivers"]}
        behind = [
            told({**test, "cohort": medians[test["name"]]})
            for test in certificate["tests"]
            if test["name"] in figures and test["name"] not in waived
            if is_below(figures[test["name"]], medians[test["name"]])
        ]
        if not behind:
            return outcome
        return replace(
            outcome, status=HostStatus.FAILED, reason="; ".join(behind), failed_task="accept / cohort"
        )


def certified_of(
    outcomes: Iterable[HostOutcome], kinds: Mapping[str, str], run: str, now: datetime
) -> list[Certified]:
    """Return the certificates that a run's hosts showed."""
    found = []
    for outcome in outcomes:
        certificate = (outcome.result_of(MODULE) or {}).get("certificate") or {}
        if certificate and outcome.host in kinds:
            number, digest = certificate["number"], certificate["digest"]
            found.append(Certified(outcome.host, kinds[outcome.host], number, digest, now, run, certificate))
    return found
