"""Hosts that ended alike are one group: by outcome and by what they said, without what differs by nature. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgectl.engine.keeping import without_paths
from edgectl.engine.outcome import HostOutcome, HostStatus

_WELL = frozenset({HostStatus.OK, HostStatus.CHANGED, HostStatus.SKIPPED})
_GAP = "…"
# What differs from host to host where the trouble is the same: addresses, fingerprints, ids of runs, boots and
# devices, digests, moments and spans of time, numbers of processes and bytes.
_DIFFERING = re.compile(
    r"""\b(?:
        \d{1,3}(?:\.\d{1,3}){3}(?::\d+)?
      | SHA256:[^\s,)]+
      | 0x[0-9a-f]+
      | [0-9A-HJKMNP-TV-Z]{26}
      | [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}
      | (?:[0-9a-f]{2}:){5}[0-9a-f]{2}
      | \d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?
      | \d+:\d\d:\d\d(?:[.,]\d+)?
      | [0-9a-f]{12,}
      | \d{5,}
    )(?!\w)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Group:
    """Hosts that ended in the same trouble; `reason` has a gap where theirs differ."""

    status: HostStatus
    task: str
    reason: str
    members: Sequence[HostOutcome]

    def names(self) -> list[str]:
        """Return the hosts' names."""
        return [member.host for member in self.members]


def troubled(hosts: Iterable[HostOutcome]) -> list[Group]:
    """Return those that did not end well, grouped, in the order in which each trouble is met first."""
    found: dict[tuple[HostStatus, str, str], list[HostOutcome]] = defaultdict(list)
    for host in hosts:
        if host.status not in _WELL:
            found[host.status, host.failed_task or "", normalised(host.reason, host.host)].append(host)
    return [
        Group(status, task, _said(members, reason), members)
        for (status, task, reason), members in found.items()
    ]


def _said(members: Sequence[HostOutcome], reason: str) -> str:
    """Return the reason itself where all have the same; what one of them said is not what the others did."""
    first = members[0].reason
    return first if all(member.reason == first for member in members) else reason


def normalised(reason: str, host: str = "") -> str:
    """Return a reason without what differs by nature, so that equal troubles are one: digests, times, its own name."""
    if host and host in reason:
        reason = re.sub(rf"(?<![\w-]){re.escape(host)}(?![\w-])", _GAP, reason)
    return _DIFFERING.sub(_GAP, reason)


def same_output(text: str) -> str:
    """Return an output without what differs where two say the same: line ends, blanks before them, where the rest lies.

    Output is what was asked for: nothing else of it is levelled.
    """
    return "\n".join(line.rstrip() for line in without_paths(text).splitlines())
