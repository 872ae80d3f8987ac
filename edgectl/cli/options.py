"""Options that commands share, declared once."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.argv import words_of
from edgectl.cli.boundary import boundary
from edgectl.cli.quick import QuickCommand
from edgectl.errors import ExitCode, UsageError
from edgectl.output.formats import Format
from edgectl.report import Report
from edgectl.settings import Settings, read_settings

if TYPE_CHECKING:
    from edgectl.engine.records import Origin
    from edgectl.ops.rollout import Pace

Select = Annotated[str | None, typer.Argument(metavar="SELECT", help="Hosts: a pattern (default: all).")]
Limit = Annotated[
    str | None, typer.Option("-l", "--limit", metavar="PATTERN", help="Only these hosts of them.")
]
Check = Annotated[bool, typer.Option("--check", help="Say what would change, and change nothing.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show the text of each change.")]

UntilConverged = Annotated[
    bool,
    typer.Option("--until-converged", help="Try hosts that are away again, until the --deadline."),
]
Deadline = Annotated[
    str | None,
    typer.Option(
        "--deadline", metavar="DURATION", help="Start no host after this time, wait for none: 30m, 6h."
    ),
]
Wait = Annotated[
    str | None,
    typer.Option("--wait", metavar="DURATION", help="Wait so long for a host that another run holds."),
]

INVENTORY = typer.Option("-i", "--inventory", metavar="PATH", help="Folder or file. [env: EDGECTL_INVENTORY]")
OUTPUT = typer.Option("-o", "--output", help="Format of the report on stdout.")
YES = typer.Option("-y", "--yes", help="Do not ask.")
VERBOSE = typer.Option("-v", "--verbose", help="Say more when something goes wrong.")
NO_COLOR = typer.Option("--no-color", help="No colour. [env: NO_COLOR]")
STATE = typer.Option("--state", metavar="URL", help="State store. [env: EDGECTL_STATE]")
POOL = typer.Option(
    "--pool",
    metavar="WHERE",
    help="Who works on hosts: threads, processes[:N], dask://HOST:PORT, tls://HOST:PORT. [env: EDGECTL_POOL]",
)
OUTPUT_FILE = typer.Option(
    "--output-file", metavar="PATH", help="Write the report there, whole or not at all, in place of stdout."
)
RESUME = typer.Option("--resume", metavar="ID", hidden=True, help="Continue this run.")


@dataclass(frozen=True, slots=True)
class Common:
    """The options that every command takes."""

    inventory: Annotated[Path | None, INVENTORY] = None
    output: Annotated[Format, OUTPUT] = Format.TABLE
    yes: Annotated[bool, YES] = False
    verbose: Annotated[bool, VERBOSE] = False
    no_color: Annotated[bool, NO_COLOR] = False
    state: Annotated[str | None, STATE] = None
    pool: Annotated[str | None, POOL] = None
    resume: Annotated[str | None, RESUME] = None
    output_file: Annotated[Path | None, OUTPUT_FILE] = None
    asked: tuple[str, ...] = ()  # the words that ask for the command again

    def settings(self) -> Settings:
        """Return the settings these options and the environment give."""
        return read_settings(
            inventory=self.inventory, state=self.state, no_color=self.no_color, pool=self.pool
        )

    def origin(self) -> Origin:
        """Return how this command was asked for, for the record."""
        from edgectl.engine.records import Origin

        return Origin(self.asked, str(Path.cwd()), str(self.settings().inventory.absolute()))

    def finish(self, report: Report, *, changes_count: bool = False) -> None:
        """Write the report to stdout and leave with its exit code, or the format's own.

        Where `changes_count`, a report that is fine but has changes to make, or advice, leaves with 10.
        """
        self._write(report)
        if self.output is Format.NAGIOS:
            from edgectl.output import nagios

            raise typer.Exit(nagios.code_of(report))
        is_idle = report.exit_code != ExitCode.DONE or not report.has_work_left()
        raise typer.Exit(int(report.exit_code if is_idle or not changes_count else ExitCode.CHANGES))

    def _write(self, report: Report) -> None:
        from edgectl.output.render import render

        if self.output_file is None:
            render(report, self.output, sys.stdout, color=self.has_color(sys.stdout))
            sys.stdout.flush()
            return
        from edgectl.output.whole_file import written_whole

        with written_whole(self.output_file) as stream:
            render(report, self.output, stream, color=False)

    def has_color(self, stream: IO[str]) -> bool:
        """Tell whether a stream is a terminal that wants colour."""
        return stream.isatty() and not self.settings().no_color

    def confirm(self, question: str) -> bool:
        """Ask a person, unless -y was given; without a terminal there is nobody to ask."""
        if self.yes:
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(f"'{question}' wants an answer, and there is no terminal", hint="pass -y")
        return typer.confirm(question, err=True)


def pace(deadline: str | None, wait: str | None, *, until_converged: bool) -> Pace:
    """Return how long a run may go on and waits for hosts, or raise `UsageError`."""
    from edgectl.ops.rollout import Pace

    if deadline is None and until_converged:
        message = "--until-converged needs --deadline: how long hosts that are away are tried again"
        raise UsageError(message, hint="--until-converged --deadline 6h")
    deadline_s = None if deadline is None else _seconds("--deadline", deadline)
    return Pace(deadline_s, until_converged, 0.0 if wait is None else _seconds("--wait", wait))


def _seconds(option: str, text: str) -> float:
    from edgectl.playbook.schema import seconds

    try:
        return seconds(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


ALL_FORMATS = frozenset(Format)
PLAIN_FORMATS = frozenset({Format.TABLE, Format.JSON})


_CONTEXT = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
# Where a run is told and kept, and whether anybody is asked, is no part of what it is.
_NOT_RECORDED = frozenset(field.name for field in fields(Common))


def command(
    app: typer.Typer,
    name: str | None = None,
    *,
    formats: frozenset[Format] = PLAIN_FORMATS,
    changing: bool = False,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register `function(common, …)` as a command that takes the common options too, inside the boundary.

    One that is `changing` hosts may continue a run of before. A function that has a parameter `context` gets
    the parser's.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        own = dict(list(inspect.signature(function, eval_str=True).parameters.items())[1:])
        options = _shared()

        @functools.wraps(function)
        def wrapper(*, context: typer.Context, **given: Any) -> None:
            common = Common(**{name: given.pop(name) for name in options})
            as_json = common.output in (Format.JSON, Format.JSONL)
            with boundary(common.settings(), as_json=as_json, verbose=common.verbose):
                _refuse(common.output, formats)
                _refuse_resuming(common, changing=changing, check=given.get("check", False))
                more = {"context": context} if "context" in own else {}
                asked = words_of(context, leaving_out=_NOT_RECORDED)
                function(replace(common, asked=asked), **given, **more)

        by_name = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in ({"context": _CONTEXT} | own | options).values()
        ]
        wrapper.__signature__ = inspect.Signature(by_name)  # type: ignore[attr-defined]  # what inspect reads
        wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in by_name}
        app.command(name, cls=QuickCommand)(wrapper)
        return wrapper

    return register


@functools.cache
def _shared() -> dict[str, inspect.Parameter]:
    """Return the parameters that every command has beside its own."""
    parameters = inspect.signature(Common, eval_str=True).parameters
    return {name: parameter for name, parameter in parameters.items() if name != "asked"}


def _refuse_resuming(common: Common, *, changing: bool, check: bool) -> None:
    if common.resume is not None and (check or not changing):
        raise UsageError("--resume is for a command that changes hosts")


def _refuse(output: Format, formats: frozenset[Format]) -> None:
    if output not in formats:
        known = ", ".join(sorted(formats))
        raise UsageError(f"this command has no '{output}' output; it has {known}")
