"""`provision`: from a bare operating system to accepted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.groups import with_default
from edgectl.cli.hosts import ExtraVars
from edgectl.cli.options import (
    ALL_FORMATS,
    Check,
    Common,
    Deadline,
    Diff,
    Limit,
    UntilConverged,
    Wait,
    command,
    pace,
)
from edgectl.cli.provision_records import add_records
from edgectl.errors import UsageError

if TYPE_CHECKING:
    from edgectl.ops.rollout import Pace, Request
    from edgectl.playbook.compile import Options


Disrupt = Annotated[
    bool, typer.Option("--disrupt", help="Reboot and change drivers under services that are live, too.")
]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Bring nodes from bare OS to accepted.", cls=with_default("run"))
    app.add_typer(group, name="provision")

    @command(group, formats=ALL_FORMATS, changing=True)
    def run(
        common: Common,
        select: Annotated[str, typer.Argument(metavar="SELECT", help="Hosts: a pattern; 'all' is typed.")],
        limit: Limit = None,
        check: Check = False,
        diff: Diff = False,
        extra_vars: ExtraVars = None,
        exit_code: Annotated[
            bool, typer.Option("--exit-code", help="With --check: exit 10 where there are changes to make.")
        ] = False,
        disrupt: Disrupt = False,
        until_converged: UntilConverged = False,
        deadline: Deadline = None,
        wait: Wait = None,
    ) -> None:
        """Plan, ask, then carry out; a second time there is nothing to do."""
        from edgectl.ops.provision.apply import PLAYBOOK

        if exit_code and not check:
            raise UsageError("--exit-code needs --check")
        timing = pace(deadline, wait, until_converged=until_converged)
        request = _request(
            "provision", select, limit, timing, _options(extra_vars, diff=diff, disrupt=disrupt)
        )
        _plan_ask_apply(common, request, PLAYBOOK, check=check, exit_code=exit_code)

    @command(group, formats=ALL_FORMATS, changing=True)
    def accept(
        common: Common,
        select: Annotated[str, typer.Argument(metavar="SELECT", help="Hosts: a pattern; 'all' is typed.")],
        limit: Limit = None,
        check: Check = False,
        compare: Annotated[
            bool, typer.Option("--compare", help="Measure accepted nodes again, beside what they were then.")
        ] = False,
        burn_in: Annotated[
            int,
            typer.Option(
                "--burn-in", metavar="SECONDS", min=0, help="With --compare: load the GPUs so long."
            ),
        ] = 0,
        extra_vars: ExtraVars = None,
        disrupt: Disrupt = False,
        wait: Wait = None,
    ) -> None:
        """Test nodes that are provisioned, and seal what was found; one that is sealed is only asked."""
        options = _options(extra_vars, disrupt=disrupt, burn_in_s=burn_in)
        timing = pace(None, wait, until_converged=False)
        if compare:
            _compare(common, _request("provision accept --compare", select, limit, timing, options))
        request = _request("provision accept", select, limit, timing, options)
        _plan_ask_apply(common, request, "accept.yaml", check=check)

    add_records(group)

    @command(group, formats=ALL_FORMATS)
    def plan(
        common: Common,
        select: Annotated[str, typer.Argument(metavar="SELECT", help="Hosts: a pattern; 'all' is typed.")],
        out: Annotated[Path, typer.Option("--out", help="Where to write the plan for `provision apply`.")],
        limit: Limit = None,
        extra_vars: ExtraVars = None,
    ) -> None:
        """Write down what would change, host by host, to be reviewed and carried out later."""
        from edgectl.cli.extra_vars import parse_extra_vars
        from edgectl.cli.running import services
        from edgectl.ops.promises import load_promises
        from edgectl.ops.provision.apply import plan as planning
        from edgectl.ops.provision.apply import plan_report
        from edgectl.ops.provision.saved import saved, write
        from edgectl.ops.rollout import Request
        from edgectl.playbook.compile import Options

        extra = parse_extra_vars(extra_vars or [])
        request = Request("provision", select, limit, Options(extra_vars=extra), arguments={"select": select})
        with services(common) as opened:
            promises = load_promises(opened.fleet.source)
            planned = planning(opened, promises, request)
            report = plan_report(planned)
            if not planned.has_trouble:
                write(saved(opened, promises, planned, extra), out)
        common.finish(report)

    @command(group, formats=ALL_FORMATS, changing=True)
    def apply(
        common: Common,
        plan: Annotated[Path, typer.Argument(metavar="PLAN", help="What `provision plan` wrote.")],
        wait: Wait = None,
    ) -> None:
        """Carry out a plan that was reviewed: exactly that, and nothing where the world has moved since."""
        from edgectl.cli.running import services, show
        from edgectl.ops.halts import refuse_frozen
        from edgectl.ops.promises import load_promises
        from edgectl.ops.provision.apply import apply as applying
        from edgectl.ops.provision.apply import plan as planning
        from edgectl.ops.provision.apply import plan_report, resume
        from edgectl.ops.provision.saved import read, refuse_moved, saved
        from edgectl.ops.rollout import Request
        from edgectl.playbook.compile import Options

        reviewed = read(plan)
        timing = pace(None, wait, until_converged=False)
        options = Options(extra_vars=dict(reviewed.extra_vars))
        arguments = {"plan": str(plan)}
        request = Request("provision", reviewed.select, None, options, arguments=arguments, pace=timing)
        with services(common) as opened:
            refuse_frozen(opened)
            promises = load_promises(opened.fleet.source)
            if opened.resuming:
                common.finish(resume(opened, promises, request))
            planned = planning(opened, promises, request)
            refuse_moved(reviewed, saved(opened, promises, planned, reviewed.extra_vars))
            if planned.has_changes:
                show(common, planned.lines())
            go = planned.has_changes and common.confirm("Go?")
            report = applying(opened, promises, request, planned) if go else plan_report(planned)
        common.finish(report)


def _options(extra_vars: list[str] | None, *, diff: bool = False, **said: bool | int) -> Options:
    """Return how a playbook is run; what was `said` by options of our own are variables that it knows."""
    from edgectl.cli.extra_vars import parse_extra_vars
    from edgectl.playbook.compile import Options

    given = {name: value for name, value in said.items() if value}
    return Options(diff=diff, extra_vars={**parse_extra_vars(extra_vars or []), **given})


def _request(command: str, select: str, limit: str | None, timing: Pace, options: Options) -> Request:
    from edgectl.ops.rollout import Request

    return Request(command, select, limit, options, arguments={"select": select}, pace=timing)


def _plan_ask_apply(
    common: Common, request: Request, playbook: str, *, check: bool, exit_code: bool = False
) -> None:
    from edgectl.cli.running import services, show
    from edgectl.ops.halts import refuse_frozen
    from edgectl.ops.promises import load_promises
    from edgectl.ops.provision.apply import apply, plan, plan_report, resume

    with services(common) as opened:
        promises = load_promises(opened.fleet.source)
        if not check:
            refuse_frozen(opened)
        if opened.resuming:
            common.finish(resume(opened, promises, request, playbook))
        planned = plan(opened, promises, request, playbook)
        is_expected = planned.has_changes or (request.pace.converge and planned.has_trouble)
        if check or not is_expected:
            report = plan_report(planned)
        else:
            show(common, planned.lines())
            go = common.confirm("Go?")
            report = apply(opened, promises, request, planned, playbook) if go else plan_report(planned)
    common.finish(report, changes_count=check and exit_code)


def _compare(common: Common, request: Request) -> None:
    from edgectl.cli.running import services
    from edgectl.ops.promises import load_promises
    from edgectl.ops.provision.compare import compare

    with services(common) as opened:
        common.finish(compare(opened, load_promises(opened.fleet.source), request))
