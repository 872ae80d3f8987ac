"""One host of a health run: what it said, how it is judged, and how its findings stand over time. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import Phase
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.ops.health.finding import Finding
from edgectl.ops.health.history.host_look import HostLook
from edgectl.ops.health.history.snoozing import Snoozes
from edgectl.ops.health.observed import Node
from edgectl.ops.health.verdict import Verdict

# A reason is one line; the report has all findings.
_REASONS = 4


@dataclass(frozen=True, slots=True)
class Examined:
    """One host; `node` and `verdict` are None where it gave nothing to judge.

    `watched` are findings of rules that only watch. `look` is what the look adds to the record, where it is kept;
    `is_known` tells that there was a look before.
    """

    outcome: HostOutcome
    node: Node | None = None
    verdict: Verdict | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    watched: Sequence[Finding] = ()
    look: HostLook | None = None
    is_known: bool = False

    @property
    def findings(self) -> Sequence[Finding]:
        """What is wrong, the worst first."""
        return self.verdict.findings if self.verdict else ()

    def phase(self, found: Finding) -> Phase:
        """Return how a finding stands; without a record every finding counts."""
        state = self.look.state(found) if self.look is not None else None
        return state.phase if state is not None else Phase.ACTIVE

    def counting(self, snoozes: Snoozes) -> list[Finding]:
        """Return the findings that are in force and that nobody snoozed."""
        return [
            found
            for found in self.findings
            if self.phase(found) is Phase.ACTIVE and snoozes.snoozed(self.outcome.host, found.id) is None
        ]


def apart(verdict: Verdict, watching: Collection[str]) -> tuple[Verdict, Sequence[Finding]]:
    """Return the verdict without the rules that only watch, and what those found."""
    if not watching:
        return verdict, ()
    watched = [found for found in verdict.findings if _names(found, verdict) & set(watching)]
    left = [found for found in verdict.findings if not _names(found, verdict) & set(watching)]
    standings = {rule: standing for rule, standing in verdict.standings.items() if rule not in watching}
    return replace(verdict, findings=tuple(left), standings=standings, watched=frozenset(watching)), watched


def _names(found: Finding, verdict: Verdict) -> set[str]:
    """Return what a finding is called: by itself, and an Xid by the rule that all of them have in common."""
    is_xid = found.id.startswith("xid-") and found.id not in verdict.standings
    return {found.id, "xid"} if is_xid else {found.id}


def as_judged(host: Examined, fail_on: Severity, snoozes: Snoozes) -> Examined:
    """Return a host as failed where a finding as bad as `fail_on` is in force, and nobody snoozed it."""
    counting = [found for found in host.counting(snoozes) if fail_on in (found.severity, Severity.WARNING)]
    if not counting:
        return host
    said = "; ".join(str(found) for found in counting[:_REASONS])
    more = f"; and {len(counting) - _REASONS} more" if len(counting) > _REASONS else ""
    failed = replace(host.outcome, status=HostStatus.FAILED, reason=f"{said}{more}")
    return replace(host, outcome=failed)
