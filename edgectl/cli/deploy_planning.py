"""The verbs of `deploy` that change no host: what a service is, where it fits, what would be done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import Common, command
from edgectl.cli.service_specs import spec_path

Spec = Annotated[Path, typer.Argument(metavar="SPEC", help="A service of the inventory, or a file.")]


def add_planning(group: typer.Typer) -> None:
    """Add them."""

    @command(group)
    def lock(
        common: Common,
        spec: Spec,
        update: Annotated[
            bool, typer.Option("--update", help="Look up again what the lock knows already.")
        ] = False,
        check: Annotated[
            bool, typer.Option("--check", help="Write nothing; exit 3 where the lock is stale.")
        ] = False,
    ) -> None:
        """Turn every name of a service that may change into a digest, in NAME.lock.yaml beside it."""
        from edgectl.clock import SystemClock
        from edgectl.ops.deploy.lock import locked
        from edgectl.ops.deploy.locking import lock_report, make_lock, write_lock
        from edgectl.ops.deploy.spec import load_spec
        from edgectl.wiring.origins import origins

        settings = common.settings()
        path = spec_path(spec, settings.inventory)
        service = load_spec(path)
        if check:
            locked(service, path)
        made = make_lock(service, path, origins(settings, path), update=update)
        if not check:
            write_lock(made)
        common.finish(lock_report(made, SystemClock().now()))
