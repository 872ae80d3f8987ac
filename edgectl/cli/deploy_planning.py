"""The verbs of `deploy` that change no host: what a service is, where it fits, what would be done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import Common, command
from edgectl.cli.service_specs import known_specs, spec_path

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
        read: Annotated[
            bool,
            typer.Option(
                "--read", help="Read every file once: damage on its way then costs hosts a piece of it."
            ),
        ] = False,
        check: Annotated[
            bool, typer.Option("--check", help="Write nothing; exit 3 where the lock is stale.")
        ] = False,
    ) -> None:
        """Turn every name of a service that may change into a digest, in NAME.lock.yaml beside it."""
        from edgectl.clock import SystemClock
        from edgectl.ops.deploy.lock import locked
        from edgectl.ops.deploy.locking import Look, lock_report, make_lock, write_lock
        from edgectl.ops.deploy.spec import load_spec
        from edgectl.wiring.origins import origins

        settings = common.settings()
        path = spec_path(spec, settings.inventory)
        service = load_spec(path)
        if check:
            locked(service, path)
        look = (Look.AGAIN if update else Look.NEW) | (Look.WHOLE if read else Look.NEW)
        made = make_lock(service, path, origins(settings, path, service), look)
        if not check:
            write_lock(made)
        common.finish(lock_report(made, SystemClock().now()))

    @command(group)
    def fit(
        common: Common,
        spec: Spec,
        select: Annotated[
            str | None, typer.Argument(metavar="[SELECT]", help="Hosts, in place of the specification's.")
        ] = None,
    ) -> None:
        """Say whether a service fits, by how much, and which length or concurrency would; no host is asked."""
        from edgectl.catalog.hardware import load_catalog
        from edgectl.cli.running import services
        from edgectl.ops.deploy.fit_told import fit_report
        from edgectl.ops.deploy.lock import locked, on_hosts
        from edgectl.ops.deploy.spec import load_spec
        from edgectl.ops.deploy.survey import survey

        with services(common) as opened:
            path = spec_path(spec, opened.fleet.source)
            lock = on_hosts(locked(load_spec(path), path), select)
            common.finish(fit_report(survey(opened, lock, load_catalog()), opened.clock.now()))

    @command(group)
    def plan(
        common: Common,
        spec: Spec,
        explain: Annotated[
            str | None, typer.Option("--explain", metavar="HOST", help="Tell everything about this one host.")
        ] = None,
    ) -> None:
        """Say which hosts would serve a release and why, and why the others would not; no host is asked."""
        from edgectl.catalog.hardware import load_catalog
        from edgectl.cli.running import services
        from edgectl.ops.deploy.lock import locked
        from edgectl.ops.deploy.planning import plan_placement, plan_report
        from edgectl.ops.deploy.spec import load_spec

        with services(common) as opened:
            path = spec_path(spec, opened.fleet.source)
            planned = plan_placement(opened, locked(load_spec(path), path), load_catalog())
            common.finish(plan_report(planned, opened.clock.now(), explain))

    @command(group)
    def status(
        common: Common,
        service: Annotated[str | None, typer.Argument(metavar="[SERVICE]", help="One service.")] = None,
    ) -> None:
        """Show what runs where by the record, and where that is not what the specifications want."""
        from edgectl.catalog.hardware import load_catalog
        from edgectl.cli.running import services
        from edgectl.ops.deploy.status import status as told

        with services(common) as opened:
            specs = known_specs(opened.fleet.source)
            common.finish(told(opened, specs, load_catalog(), service))

    @command(group)
    def history(
        common: Common,
        service: Annotated[str, typer.Argument(metavar="SERVICE", help="A service on record.")],
        select: Annotated[str | None, typer.Argument(metavar="[SELECT]", help="Hosts: a pattern.")] = None,
        count: Annotated[int, typer.Option("-n", "--count", metavar="N", help="So many rows.", min=1)] = 20,
    ) -> None:
        """Show what was done to a service, when, by whom and how it ended, the latest first."""
        from edgectl.cli.running import services
        from edgectl.ops.deploy.history import history as told

        with services(common) as opened:
            common.finish(told(opened, service, select, count))

    @command(group)
    def diff(
        common: Common,
        service: Annotated[str, typer.Argument(metavar="SERVICE", help="A service.")],
        before: Annotated[
            str | None, typer.Argument(metavar="[RELEASE]", help="From; default: what most hosts serve.")
        ] = None,
        after: Annotated[
            str | None, typer.Argument(metavar="[RELEASE]", help="To; default: the specification.")
        ] = None,
    ) -> None:
        """Show what differs between two releases, or between what runs and what the specification says."""
        from edgectl.cli.running import services
        from edgectl.ops.deploy.history import diff as told
        from edgectl.ops.deploy.lock import as_data, locked
        from edgectl.ops.deploy.spec import load_spec

        with services(common) as opened:
            path = known_specs(opened.fleet.source).get(service)
            wanted = as_data(locked(load_spec(path), path)) if path is not None and after is None else None
            common.finish(told(opened, service, before, after, wanted))
