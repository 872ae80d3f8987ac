"""`deploy`: put a model into service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import (
    ALL_FORMATS,
    Check,
    Common,
    Deadline,
    Limit,
    UntilConverged,
    Wait,
    command,
    pace,
)
from edgectl.cli.quick import QuickGroup
from edgectl.errors import InputError

Service = Annotated[
    Path, typer.Argument(metavar="SPEC", help="A specification, or the name of one in INVENTORY/services.")
]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Put a model into service.", no_args_is_help=True, cls=QuickGroup)
    app.add_typer(group, name="deploy")

    @command(group, formats=ALL_FORMATS, changing=True)
    def apply(
        common: Common,
        spec: Service,
        limit: Limit = None,
        check: Check = False,
        until_converged: UntilConverged = False,
        deadline: Deadline = None,
        wait: Wait = None,
    ) -> None:
        """Plan, ask, then put the release into force; the previous one stays until the new one proved itself."""
        from edgectl.cli.running import services, show
        from edgectl.ops.deploy import apply as deploying
        from edgectl.ops.halts import refuse_frozen

        timing = pace(deadline, wait, until_converged=until_converged)
        with services(common) as opened:
            deployment = deploying.load_deployment(opened, _spec_path(spec, opened.fleet.source), limit)
            if not check:
                refuse_frozen(opened)
            if opened.resuming:
                common.finish(deploying.resume(opened, deployment, timing))
            prepared, outcome = deploying.plan(opened, deployment)
            lines = deploying.plan_lines(deployment, outcome)
            show(common, lines)
            if check or not common.confirm("Go?"):
                report = deploying.deploy_report(deployment, prepared, outcome)
            else:
                report = deploying.apply(opened, deployment, outcome, timing)
        common.finish(report)

    add_acting(group)


def add_acting(group: typer.Typer) -> None:
    """Add what changes hosts beside `apply`."""

    @command(group, formats=ALL_FORMATS, changing=True)
    def rollback(
        common: Common,
        spec: Service,
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
            known = load_spec(_spec_path(spec, opened.fleet.source))
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


def _spec_path(given: Path, inventory: Path) -> Path:
    """A bare name means the inventory's own specification; anything else is a path."""
    if given.suffix or given.exists():
        return given
    from edgectl.complaints import did_you_mean

    known = {path.stem: path for path in (inventory / "services").glob("*.yaml")}
    if str(given) not in known:
        message = (
            f"there is no service '{given}' in {inventory / 'services'}{did_you_mean(str(given), known)}"
        )
        raise InputError(message)
    return known[str(given)]
