"""The app: the names of all commands, and nothing of what they do."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl import __version__
from edgectl.cli.groups import of_modules

# Each command by its module's name, in the order in which `--help` lists them.
_MODULES = {
    "demo": "demo",
    "lab": "lab",
    "inventory": "inventory",
    "trust": "trust",
    "ping": "hosts",
    "exec": "hosts",
    "run": "hosts",
    "docs": "docs",
    "provision": "provision",
    "deploy": "deploy",
    "bench": "bench",
    "health": "health",
    "runs": "runs",
    "freeze": "freeze",
}

app = typer.Typer(
    name="edgectl",
    cls=of_modules(_MODULES),
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
