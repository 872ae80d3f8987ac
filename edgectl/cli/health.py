"""`health`: what the nodes say about their GPUs, judged now, over time, and as a fleet."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.catalog.rules_model import Severity
from edgectl.cli.groups import with_default
from edgectl.cli.health_acting import add_acting
from edgectl.cli.options import ALL_FORMATS, Common, Limit, Select, command

FailOn = Annotated[
    Severity, typer.Option("--fail-on", help="The least severity that makes a host count as failed.")
]
Shadow = Annotated[
    list[str] | None,
    typer.Option("--shadow", metavar="RULE", help="Only count what this rule finds; it never alarms."),
]
NoHistory = Annotated[bool, typer.Option("--no-history", help="Put nothing of this look on record.")]
Pattern = Annotated[str, typer.Argument(metavar="PATTERN", help="Hosts, as in SELECT.")]
Finding = Annotated[str, typer.Argument(metavar="FINDING", help="As pcie-width; may have wildcards.")]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="GPU, DPU and node health, now and over time.", cls=with_default("check"))
    app.add_typer(group, name="health")

    @command(group, formats=ALL_FORMATS)
    def check(
        common: Common,
        select: Select = None,
        limit: Limit = None,
        fail_on: FailOn = Severity.CRITICAL,
        shadow: Shadow = None,
        no_history: NoHistory = False,
    ) -> None:
        """Read and judge every GPU; nothing is changed, no lock is taken."""
        from edgectl.cli.running import services
        from edgectl.ops.health.apply import Manner
        from edgectl.ops.health.apply import check as run_check

        manner = Manner(tuple(shadow or ()), is_kept=not no_history)
        with services(common) as opened:
            report = run_check(opened, select, limit, fail_on, manner)
        common.finish(report)

    @command(group)
    def fleet(common: Common, select: Select = None, limit: Limit = None) -> None:
        """Tell what is on record: incidents, outliers, trends, hosts that fail again; no host is contacted."""
        from edgectl.cli.running import services
        from edgectl.ops.health.fleet.overview import overview

        with services(common) as opened:
            report = overview(opened, select, limit)
        common.finish(report)

    @command(group)
    def history(
        common: Common,
        host: Annotated[str, typer.Argument(metavar="HOST")],
        card: Annotated[
            str | None, typer.Option("--card", metavar="ID", help="UUID, serial or slot, or the end of one.")
        ] = None,
        days: Annotated[int, typer.Option("--days", min=1, max=365, help="How far back.")] = 28,
    ) -> None:
        """Tell what became of a host's findings and cards."""
        from edgectl.clock import SystemClock
        from edgectl.ops.health.history.told import history_of
        from edgectl.wiring.adapters import open_store

        clock = SystemClock()
        kept = open_store(common.settings(), clock).health
        common.finish(history_of(kept, host, card, days, clock.now()))

    @command(group)
    def explain(
        common: Common,
        finding: Annotated[
            str,
            typer.Argument(metavar="FINDING", help="As pcie-width, xid-79, HOST/FINDING, or an incident."),
        ],
    ) -> None:
        """Say what a finding means, where the rule comes from and what clears it."""
        from edgectl.catalog.rules import load_rules
        from edgectl.catalog.xid import load_xids
        from edgectl.cli.running import services
        from edgectl.clock import SystemClock
        from edgectl.ops.health.explain import explain as run_explain
        from edgectl.ops.health.fleet.explaining import explain_at_host, explain_incident, is_on_record

        rules = load_rules()
        if not is_on_record(finding, rules):
            common.finish(run_explain(finding, rules, load_xids(), SystemClock().now()))
        host, _, of_host = finding.partition("/")
        with services(common) as opened:
            report = explain_at_host(opened, host, of_host) if of_host else explain_incident(opened, finding)
        common.finish(report)

    _add_snoozes(group)
    _add_prune(group)
    add_acting(group)


def _add_snoozes(group: typer.Typer) -> None:
    @command(group)
    def snooze(
        common: Common,
        pattern: Pattern,
        finding: Finding,
        reason: Annotated[str, typer.Option("--reason", help="Why; it is told beside the finding.")],
        until: Annotated[
            str | None, typer.Option("--until", metavar="TIME", help="2026-12-24T18:00.")
        ] = None,
        length: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="4h, 7d.")] = None,
    ) -> None:
        """Let a finding alarm no more until a given time; it is still looked for and told."""
        from edgectl.catalog.rules import load_rules
        from edgectl.clock import SystemClock
        from edgectl.ops.health.snoozes import Wanted, parse_end
        from edgectl.ops.health.snoozes import snooze as begin
        from edgectl.wiring.adapters import open_store
        from edgectl.wiring.fleet import load_fleet

        settings, clock = common.settings(), SystemClock()
        end = parse_end(until, length, clock.now())
        wanted = Wanted(pattern, finding, reason, settings.started_by, end)
        kept = open_store(settings, clock).health
        common.finish(begin(kept, load_fleet(settings), load_rules(), clock, wanted))

    @command(group)
    def unsnooze(common: Common, pattern: Pattern, finding: Finding) -> None:
        """Let a snoozed finding alarm again."""
        from edgectl.clock import SystemClock
        from edgectl.ops.health.snoozes import unsnooze as end
        from edgectl.wiring.adapters import open_store

        settings, clock = common.settings(), SystemClock()
        kept = open_store(settings, clock).health
        common.finish(end(kept, clock, pattern, finding, settings.started_by))

    @command(group)
    def snoozes(common: Common) -> None:
        """List the snoozes in force."""
        from edgectl.clock import SystemClock
        from edgectl.ops.health.snoozes import show
        from edgectl.wiring.adapters import open_store

        clock = SystemClock()
        common.finish(show(open_store(common.settings(), clock).health, clock))


def _add_prune(group: typer.Typer) -> None:
    @command(group)
    def prune(
        common: Common,
        looks: Annotated[str, typer.Option("--looks", metavar="TIME", help="Looks and days older.")] = "90d",
        changes: Annotated[str, typer.Option("--changes", metavar="TIME", help="Changes older.")] = "365d",
    ) -> None:
        """Forget looks, days, changes and cards of long ago."""
        from edgectl.clock import SystemClock
        from edgectl.ops.health.pruning import prune as forget
        from edgectl.wiring.adapters import open_store

        clock = SystemClock()
        common.finish(forget(open_store(common.settings(), clock).health, clock, looks, changes))
