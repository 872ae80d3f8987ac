"""`ping`, `exec` and `run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import (
    ALL_FORMATS,
    Check,
    Common,
    Deadline,
    Diff,
    Limit,
    Select,
    UntilConverged,
    Wait,
    command,
    pace,
)
from edgectl.errors import UsageError

ExtraVars = Annotated[
    list[str] | None,
    typer.Option("-e", "--extra-vars", metavar="VARS", help="key=value, YAML or JSON, or @file; strongest."),
]
Tags = Annotated[str, typer.Option("--tags", metavar="A,B", help="Only tasks with one of these tags.")]
SkipTags = Annotated[str, typer.Option("--skip-tags", metavar="A,B", help="No task with one of these tags.")]

StartAt = Annotated[
    str, typer.Option("--start-at-task", metavar="NAME", help="Leave out what stands before this task.")
]
SyntaxCheck = Annotated[
    bool, typer.Option("--syntax-check", help="Say what is wrong or probably not meant; contact no host.")
]
ListTasks = Annotated[bool, typer.Option("--list-tasks", help="List its tasks; contact no host.")]
ListHosts = Annotated[bool, typer.Option("--list-hosts", help="List its hosts; contact no host.")]
ListModules = Annotated[
    bool, typer.Option("--list-modules", help="List the modules it may use, its own among them.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""

    @command(app, formats=ALL_FORMATS)
    def ping(common: Common, select: Select = None, limit: Limit = None) -> None:
        """Say who answers, how fast, and who does not; nothing is changed."""
        from edgectl.cli.running import services
        from edgectl.ops.ping.apply import ping as run_ping

        with services(common) as opened:
            report = run_ping(opened, select, limit)
        common.finish(report)

    @command(app, "exec", formats=ALL_FORMATS, changing=True)
    def execute(
        common: Common,
        select: Annotated[str, typer.Argument(metavar="SELECT", help="Hosts: a pattern.")],
        words: Annotated[list[str], typer.Argument(metavar="-- COMMAND…", help="For the hosts' shell.")],
        limit: Limit = None,
        until_converged: UntilConverged = False,
        deadline: Deadline = None,
        wait: Wait = None,
    ) -> None:
        """Run one command on many hosts; identical output is folded."""
        from edgectl.cli.running import services
        from edgectl.ops.playbooks import Selection
        from edgectl.ops.playbooks import execute as run_command
        from edgectl.playbook.compile import Options

        timing = pace(deadline, wait, until_converged=until_converged)
        with services(common) as opened:
            report = run_command(opened, words, Selection(select, limit), Options(), timing)
        common.finish(report)

    @command(app, formats=ALL_FORMATS, changing=True)
    def run(
        common: Common,
        playbook: Annotated[
            Path, typer.Argument(metavar="PLAYBOOK", help="A playbook in Ansible's dialect.")
        ],
        select: Select = None,
        limit: Limit = None,
        check: Check = False,
        diff: Diff = False,
        extra_vars: ExtraVars = None,
        tags: Tags = "",
        skip_tags: SkipTags = "",
        start_at_task: StartAt = "",
        syntax_check: SyntaxCheck = False,
        list_tasks: ListTasks = False,
        list_hosts: ListHosts = False,
        list_modules: ListModules = False,
        exit_code: Annotated[
            bool,
            typer.Option(
                "--exit-code", help="With --check or --syntax-check: exit 10 where there is something to do."
            ),
        ] = False,
        until_converged: UntilConverged = False,
        deadline: Deadline = None,
        wait: Wait = None,
    ) -> None:
        """Run a playbook; SELECT narrows the hosts of its plays."""
        from edgectl.cli.extra_vars import parse_extra_vars
        from edgectl.cli.running import services
        from edgectl.ops import reading
        from edgectl.ops.playbooks import Selection, run_playbook
        from edgectl.ops.promises import load_promises
        from edgectl.ops.rollout import Request
        from edgectl.playbook.compile import Options

        if exit_code and not (check or syntax_check):
            raise UsageError("--exit-code needs --check or --syntax-check")
        reads = {
            reading.check_syntax: syntax_check,
            reading.list_tasks: list_tasks,
            reading.list_hosts: list_hosts,
            reading.list_modules_of: list_modules,
        }
        asked = [read for read, is_asked in reads.items() if is_asked]
        if len(asked) > 1:
            raise UsageError("--syntax-check and the lists are asked for one at a time")
        given = parse_extra_vars(extra_vars or [])
        options = Options(check, diff, given, _words(tags), _words(skip_tags), start_at_task)
        timing = pace(deadline, wait, until_converged=until_converged)
        with services(common) as opened:
            promises = load_promises(opened.fleet.source)
            if asked:
                known = promises.variables(opened.fleet)
                request = Request("run", select, limit, options, host_vars=known)
                report = asked[0](opened, playbook, request)
            else:
                selection = Selection(select, limit)
                report = run_playbook(opened, playbook, selection, options, promises, timing)
        common.finish(report, changes_count=exit_code)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())
