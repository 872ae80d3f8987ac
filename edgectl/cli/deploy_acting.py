"""What changes the hosts of a service, beside putting a release into force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import ALL_FORMATS, Check, Common, Deadline, Limit, Wait, command, pace
from edgectl.cli.service_specs import spec_path

if TYPE_CHECKING:
    from edgectl.ops.deploy.acting import Act
    from edgectl.ops.deploy.spec import ServiceSpec
    from edgectl.report import Line

SpecArgument = Annotated[
    Path, typer.Argument(metavar="SPEC", help="A specification, or the name of one in INVENTORY/services.")
]

Hosts = Annotated[str, typer.Argument(metavar="SELECT", help="Hosts: a pattern.")]


def add_acting(group: typer.Typer) -> None:
    """Add the commands."""

    @command(group, formats=ALL_FORMATS, changing=True)
    def rollback(
        common: Common,
        spec: SpecArgument,
        limit: Limit = None,
        check: Check = False,
        deadline: Deadline = None,
        wait: Wait = None,
    ) -> None:
        """Bring every host back to the release that was in force before, proved as it was; needs no version."""
        from edgectl.cli.running import services, show
        from edgectl.inventory.pattern import select
        from edgectl.ops.deploy import rollback as returning
        from edgectl.ops.deploy.spec import load_spec
        from edgectl.ops.halts import refuse_frozen

        timing = pace(deadline, wait, until_converged=False)
        with services(common) as opened:
            known = load_spec(spec_path(spec, opened.fleet.source))
            hosts = select(opened.fleet, known.place.pattern, limit=limit)
            back = returning.Return(known, hosts, pace=timing)
            if not check:
                refuse_frozen(opened)
            back, prepared, outcome = returning.plan(opened, back)
            if opened.resuming:
                common.finish(returning.roll_back(opened, back))
            show(common, returning.plan_lines(back, outcome))
            if check or not common.confirm("Go?"):
                report = returning.rollback_report(prepared, outcome)
            else:
                report = returning.roll_back(opened, back, outcome)
        common.finish(report)

    @command(group, formats=ALL_FORMATS)
    def drain(
        common: Common, spec: SpecArgument, select: Hosts, check: Check = False, wait: Wait = None
    ) -> None:
        """Take hosts out of a service: its neighbours carry their load; streams in flight come to their end."""
        from edgectl.ops.deploy import acting

        _act(common, spec, select, acting.drain, check=check, wait=wait)

    @command(group, formats=ALL_FORMATS)
    def undrain(
        common: Common, spec: SpecArgument, select: Hosts, check: Check = False, wait: Wait = None
    ) -> None:
        """Take hosts back into a service, each proved first."""
        from edgectl.ops.deploy import acting

        _act(common, spec, select, acting.undrain, check=check, wait=wait)

    @command(group, formats=ALL_FORMATS)
    def prune(
        common: Common, spec: SpecArgument, limit: Limit = None, check: Check = False, wait: Wait = None
    ) -> None:
        """Let go of releases beyond `keep`, and of files that no release has; never of current or previous."""
        from edgectl.ops.deploy import acting

        _act(common, spec, limit or "all", acting.prune, check=check, wait=wait)

    @command(group, formats=ALL_FORMATS)
    def reconcile(common: Common, select: Hosts, wait: Wait = None) -> None:
        """Make what the store knows of services anew from what the hosts say; changes no host."""
        from edgectl.cli.running import services
        from edgectl.ops.deploy.reconcile import reconcile as compare

        with services(common) as opened:
            report = compare(opened, select, pace(None, wait, until_converged=False))
        common.finish(report)


def _act(
    common: Common,
    spec: Path,
    select: str,
    doing: Callable[[ServiceSpec], Act],
    *,
    check: bool,
    wait: str | None,
) -> None:
    from edgectl.cli.running import services, show
    from edgectl.inventory.pattern import select as chosen
    from edgectl.ops.deploy.acting import act
    from edgectl.ops.deploy.spec import load_spec
    from edgectl.ops.halts import refuse_frozen

    def ask(lines: Sequence[Line]) -> bool:
        show(common, lines)
        return common.confirm("Go?")

    timing = pace(None, wait, until_converged=False)
    with services(common) as opened:
        known = load_spec(spec_path(spec, opened.fleet.source))
        hosts = chosen(opened.fleet, known.place.pattern, limit=select)
        if not check:
            refuse_frozen(opened)
        report = act(opened, known, hosts, doing(known), None if check else ask, timing)
    common.finish(report)
