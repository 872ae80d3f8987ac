"""Ask the nodes, judge them beside what is on record, look at them as a fleet, tell, and put it on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.health_fleet import FleetRules, load_fleet_rules
from edgectl.catalog.health_states import StatePolicies, load_state_policies
from edgectl.catalog.rules import load_rules
from edgectl.catalog.rules_model import Rules, Severity
from edgectl.catalog.xid import XidMeaning, load_xids
from edgectl.clock import Clock
from edgectl.complaints import did_you_mean
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.errors import MissingError, UsageError
from edgectl.inventory.model import Host
from edgectl.ops.clusters.traits import traits_of
from edgectl.ops.health.examined import Examined, apart, as_judged
from edgectl.ops.health.expected import Expected, expected_of
from edgectl.ops.health.fleet.outliers import CardReading, compare
from edgectl.ops.health.fleet.view import FleetView, outlier_sightings, readings_of, view_of
from edgectl.ops.health.history.chronicle import Chronicle
from edgectl.ops.health.history.host_look import HostLook, with_sightings
from edgectl.ops.health.history.snoozing import Snoozes, snoozes_of
from edgectl.ops.health.lines import Telling
from edgectl.ops.health.observed import Node, node_of
from edgectl.ops.health.report import health_report
from edgectl.ops.health.verdict import judge
from edgectl.ops.rollout import Prepared, Request, carry_out, prepare
from edgectl.ops.services import Services
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Report, Tone

PLAYBOOK = "health.yaml"
MODULE = "health_facts"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a look is taken: rules that only watch beside those that always do, and whether it is put on record."""

    watching: Sequence[str] = ()
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What hosts are judged by."""

    rules: Rules
    xids: Mapping[int, XidMeaning]
    expected: Mapping[str, Expected]
    policies: StatePolicies
    fleet: FleetRules
    watching: frozenset[str] = frozenset()


_ALWAYS = Manner()


def check(
    services: Services,
    select: str | None,
    limit: str | None,
    fail_on: Severity = Severity.CRITICAL,
    manner: Manner = _ALWAYS,
) -> Report:
    """Return the health of the selected hosts; one with a finding as bad as `fail_on` counts as failed.

    A finding counts when it is in force (`history.states`) and not snoozed.
    """
    playbook = load_playbook(services.playbooks / PLAYBOOK)
    prepared = prepare(services, playbook, Request("health", select, limit))
    yardstick = _yardstick(prepared, manner)
    examiner = Examiner(services, prepared, yardstick, fail_on)
    outcome = carry_out(services, prepared, examiner.judged)
    view = examiner.fleet_view(outcome)
    examined = examiner.examined(outcome)
    told = Telling(view, examiner.snoozes, yardstick.policies, services.clock.now())
    report = health_report(prepared, outcome, examined, told)
    if not manner.is_kept:
        return report
    return replace(report, body=[*report.body, *examiner.recorded()])


def _yardstick(prepared: Prepared, manner: Manner) -> Yardstick:
    catalog, rules, policies = load_catalog(), load_rules(), load_state_policies()
    for named in manner.watching:
        if named not in rules.by_id and not named.startswith("xid-"):
            raise UsageError(f"--shadow: there is no rule '{named}'{did_you_mean(named, rules.by_id)}")
    return Yardstick(
        rules=rules,
        xids=load_xids(),
        expected={host.name: expected_of(host, catalog) for host in prepared.plan.hosts()},
        policies=policies,
        fleet=load_fleet_rules(),
        watching=frozenset({*manner.watching, *policies.shadow}),
    )


class Examiner:
    """Judges the hosts of one run as they answer, and all of them together behind it."""

    def __init__(
        self, services: Services, prepared: Prepared, yardstick: Yardstick, fail_on: Severity
    ) -> None:
        self._clock: Clock = services.clock
        self._yardstick = yardstick
        self._fail_on = fail_on
        self._hosts = {host.name: host for host in prepared.plan.hosts()}
        self._chronicle = Chronicle(services.health, list(self._hosts), yardstick.policies)
        self._examined: dict[str, Examined] = {}
        self._looks: dict[str, HostLook] = {}
        self.snoozes: Snoozes = snoozes_of(services.fleet, services.health.snoozes(services.clock.now()))

    def judged(self, host: HostOutcome) -> HostOutcome:
        """Return how a host ended, which is failed where what it said is bad enough."""
        examined = as_judged(self._examine(host), self._fail_on, self.snoozes)
        self._examined[host.host] = examined
        return examined.outcome

    def _examine(self, host: HostOutcome) -> Examined:
        """Return what one host said and how it is judged; one that did not answer stays as it is."""
        result = host.result_of(MODULE)
        if result is None or host.status is not HostStatus.OK:
            return Examined(host)
        try:
            node = node_of(result)
        except ValueError as error:
            said = str(error).splitlines()[0]
            reason = f"its answer makes no sense: {said}"
            return Examined(replace(host, status=HostStatus.FAILED, reason=reason))
        return replace(self._look(host, node), said=dict(result))

    def _look(self, host: HostOutcome, node: Node) -> Examined:
        yardstick, at = self._yardstick, self._clock.now()
        earlier = self._chronicle.earlier(host.host, node, at)
        whole = judge(node, yardstick.expected[host.host], yardstick.rules, yardstick.xids, earlier)
        verdict, watched = apart(whole, yardstick.watching)
        look = self._chronicle.looked(host.host, node, verdict, at)
        known = self._chronicle.is_known(host.host)
        return Examined(host, node, verdict, watched=watched, look=look, is_known=known)

    def examined(self, outcome: RunOutcome) -> list[Examined]:
        """Return all hosts of the run, in its order, each with what its look adds to the record."""
        return [
            replace(self._examined.get(host.host) or Examined(host), look=self._looks.get(host.host))
            for host in outcome.hosts
        ]

    def fleet_view(self, outcome: RunOutcome) -> FleetView:
        """Return outliers and incidents; how outliers stand over time is noted beside the hosts' own findings."""
        for host in outcome.hosts:
            if host.status is HostStatus.UNREACHABLE:
                self._chronicle.away(host.host, self._clock.now())
        self._looks = dict(self._chronicle.settled())
        examined, rules = self.examined(outcome), self._yardstick.fleet
        compared = compare(list(self._readings(examined)), rules.outliers)
        at = self._clock.now()
        for name, sightings in outlier_sightings(compared, self._looks).items():
            self._looks[name] = with_sightings(self._looks[name], sightings, self._yardstick.policies, at)
        findings = {host.outcome.host: host.findings for host in examined}
        away = [host.outcome.host for host in examined if host.outcome.status is HostStatus.UNREACHABLE]
        traits = {
            host.outcome.host: traits_of(self._hosts[host.outcome.host], host.outcome) for host in examined
        }
        return view_of(findings, away, compared.outliers, traits, rules, self.snoozes)

    def _readings(self, examined: Sequence[Examined]) -> list[CardReading]:
        wanted = [metric.reading for metric in self._yardstick.fleet.outliers.metrics]
        return [
            reading
            for host in examined
            if host.node is not None and host.look is not None
            for reading in readings_of(self._host(host), host.node, host.look, wanted)
        ]

    def _host(self, examined: Examined) -> Host:
        return self._hosts[examined.outcome.host]

    def recorded(self) -> list[Line]:
        """Put the run on record; where that fails it is told all the same, and that the next one will not know."""
        try:
            self._chronicle.keep(self._looks)
        except MissingError as error:
            return [Line(f"  not put on record: {error.message}", Tone.NOTICE)]
        return []
