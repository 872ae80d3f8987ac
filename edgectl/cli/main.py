"""The app: command groups, and nothing else."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from edgectl import __version__
from edgectl.cli import bench, demo, deploy, freeze, health, hosts, inventory, lab, provision, runs, trust

app = typer.Typer(
    name="edgectl",
    help="A fleet manager for AI inference at the edge: one YAML inventory, plain SSH, no agent.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback
    if wanted:
        typer.echo(f"edgectl {__version__}")
        raise typer.Exit


@app.callback()
def edgectl(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """A fleet manager for AI inference at the edge: one YAML inventory, plain SSH, no agent."""


demo.add_to(app)
lab.add_to(app)
inventory.add_to(app)
trust.add_to(app)
hosts.add_to(app)
provision.add_to(app)
deploy.add_to(app)
bench.add_to(app)
health.add_to(app)
runs.add_to(app)
freeze.add_to(app)


def main() -> None:
    """Run edgectl."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal's encoding lacks is shown by its number; a report must not end in a traceback for it.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()
