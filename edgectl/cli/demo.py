"""`demo`: the whole main job on a lab fleet, each step the very command a person would type."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import Common, command
from edgectl.errors import EdgectlError, ExitCode
from edgectl.settings import Settings

# Apart from where `lab up` puts its hosts, so that a demo and a lab can be up together.
FIRST_ADDRESS = "127.78.0.1"
POPS = (("fra1", 2), ("iad1", 2), ("sin1", 2))
SICK = "iad1-r1-n02"


@dataclass(frozen=True, slots=True)
class Step:
    """One command, what it is for, and the exit codes that mean it did its job."""

    title: str
    words: Sequence[str]
    codes: Sequence[ExitCode] = (ExitCode.DONE,)


STEPS = (
    Step("who answers?", ["ping"]),
    Step("from bare hosts to accepted GPU nodes", ["provision", "all", "-y"]),
    Step("the same again: nothing to do", ["provision", "all", "-y"]),
    Step("a model into service, proven by a completion on each node", ["deploy", "apply", "chat", "-y"]),
    # Six engines and six clients share this machine: where its cores are few, the figures say that they are not the
    # engines' (6), and are right to.
    Step(
        "measured on the nodes",
        ["bench", "run", "all", "--service", "chat", "--concurrency", "2", "--requests", "40"],
        (ExitCode.DONE, ExitCode.STOPPED),
    ),
)
SICK_STEP = Step(f"a GPU of {SICK} falls off the bus; who notices?", ["health", "all"], (ExitCode.FAILED,))
LAST_STEP = Step("and it is all on record", ["runs", "list"])


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @command(app)
    def demo(
        common: Common,
        keep: Annotated[bool, typer.Option("--keep", help="Leave the lab up to try things on.")] = False,
    ) -> None:
        """Show the whole main job on a lab fleet of this machine: about a minute, nothing outside it is touched."""
        with tempfile.TemporaryDirectory(prefix="edgectl-demo-", ignore_cleanup_errors=True) as scratch:
            _run_demo(common.settings(), Path(scratch), keep=keep)


def _run_demo(settings: Settings, scratch: Path, *, keep: bool) -> None:
    from edgectl.lab.lifecycle import LabSpec, down, fault, up

    directory = settings.data_folder / "demo-lab"
    _say(f"a fleet of {sum(count for _, count in POPS)} SSH hosts on this machine", "edgectl lab up")
    down(directory)
    lab = up(LabSpec(directory=directory, pops=POPS, first_address=FIRST_ADDRESS))
    try:
        for note in lab.notes:
            typer.echo(f"note: {note}", err=True)
        runner = _Runner(settings, lab.inventory, scratch)
        for step in STEPS:
            runner.run(step)
        fault(directory, SICK, "gpu-lost", "1")
        runner.run(SICK_STEP)
        runner.run(LAST_STEP)
    finally:
        if keep:
            typer.echo(
                f"\nthe lab is still up: -i {lab.inventory}; end it with: edgectl lab down --folder {directory}"
            )
        else:
            _say("everything is gone again", "edgectl lab down")
            down(directory)
    typer.echo("\nAll steps did what they should. Next: point -i at an inventory of your own.")


class _Runner:
    """Runs edgectl's own commands as a person would, in processes of their own."""

    def __init__(self, settings: Settings, inventory: Path, scratch: Path) -> None:
        self._environment = {
            **settings.environment,
            "EDGECTL_INVENTORY": str(inventory),
            "EDGECTL_STATE": f"sqlite:///{scratch / 'state.db'}",
            "XDG_CACHE_HOME": str(scratch / "cache"),
        }

    def run(self, step: Step) -> None:
        _say(step.title, shlex.join(["edgectl", *step.words]))
        done = subprocess.run(
            [sys.executable, "-m", "edgectl", *step.words], env=self._environment, check=False
        )
        if done.returncode not in step.codes:
            wanted = " or ".join(str(int(code)) for code in step.codes)
            message = f"`edgectl {shlex.join(step.words)}` ended with {done.returncode}, expected {wanted}"
            raise EdgectlError(message, hint="the log: edgectl demo --keep, then the command again with -v")


def _say(title: str, line: str) -> None:
    typer.secho(f"\n# {title}", bold=True)
    typer.secho(f"$ {line}", fg=typer.colors.CYAN)
    sys.stdout.flush()
