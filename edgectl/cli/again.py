"""Asks for a recorded command again, in this process, as the continuation of its run."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import typer

from edgectl.cli.options import Common
from edgectl.engine.records import Origin, RunRecord
from edgectl.errors import InputError
from edgectl.wiring.adapters import from_anywhere


def ask_again(common: Common, context: typer.Context, record: RunRecord) -> None:
    """Run the command of `record` with `--resume`, where it was asked for; its questions were answered then."""
    words = _words(common, record)
    if Path(record.origin.cwd).is_dir():
        os.chdir(record.origin.cwd)
    root = context.find_root()
    try:
        code = root.command.main(words, prog_name=root.info_name, standalone_mode=False)
    except typer.TyperException as error:
        asked = shlex.join(record.origin.argv)
        raise InputError(f"this edgectl does not understand 'edgectl {asked}': {error}") from None
    raise typer.Exit(code or 0)


def _words(common: Common, record: RunRecord) -> list[str]:
    argv = list(record.origin.argv)
    end = argv.index("--") if "--" in argv else len(argv)
    added = [
        f"--resume={record.run}",
        "--yes",
        f"--output={common.output.value}",
        f"--inventory={_inventory(common, record.origin)}",
        f"--state={from_anywhere(common.settings().state)}",
        *([f"--pool={common.pool}"] if common.pool is not None else []),
        *(["--verbose"] if common.verbose else []),
        *(["--no-color"] if common.no_color else []),
    ]
    return [*argv[:end], *added, *argv[end:]]


def _inventory(common: Common, origin: Origin) -> Path:
    """Return what was said now, else the inventory of then, else that of this environment."""
    then = Path(origin.inventory)
    if common.inventory is None and origin.inventory and then.exists():
        return then
    return common.settings().inventory.absolute()
