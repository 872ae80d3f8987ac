"""Findings of one GPU with one cause: the others are told as what comes with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from edgectl.ops.health.finding import Finding

_ANY_XID = "xid"
_XID = "xid-"


def with_causes(findings: Sequence[Finding], causes: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Return the findings, each with the id of the one of the same GPU that it only comes with."""
    by_gpu: dict[str, list[Finding]] = {}
    for found in findings:
        if found.label:
            by_gpu.setdefault(_gpu(found), []).append(found)
    return [_caused(found, by_gpu.get(_gpu(found), ()), causes.get(found.id, ())) for found in findings]


def _caused(found: Finding, neighbours: Iterable[Finding], causes: Sequence[str]) -> Finding:
    """Return a finding with the first of its causes that is there; what only comes with another is no cause."""
    for cause in causes:
        for other in neighbours:
            if other is not found and _is(other, cause) and other.id != found.id:
                return replace(found, because=other.id)
    return found


def _is(found: Finding, cause: str) -> bool:
    return found.id == cause or (cause == _ANY_XID and found.id.startswith(_XID))


def _gpu(found: Finding) -> str:
    """Return the label without the MIG instance."""
    return found.label.partition("/")[0]
