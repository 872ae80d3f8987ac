"""`trust`: pin SSH host keys."""

from __future__ import annotations

import typer

from edgectl.cli.options import Common, Limit, Select, command
from edgectl.cli.quick import QuickGroup


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Pin SSH host keys; nothing else ever learns a key.", no_args_is_help=True, cls=QuickGroup
    )
    app.add_typer(group, name="trust")

    @command(group)
    def scan(common: Common, select: Select = None, limit: Limit = None) -> None:
        """Ask hosts for their keys, and pin those that are new once you say so."""
        _scan(common, select, limit, pin_new=True)

    @command(group)
    def check(common: Common, select: Select = None, limit: Limit = None) -> None:
        """Compare the keys that hosts show with the pinned ones."""
        _scan(common, select, limit, pin_new=False)


def _scan(common: Common, select: str | None, limit: str | None, *, pin_new: bool) -> None:
    from edgectl.clock import SystemClock
    from edgectl.inventory import pattern
    from edgectl.ops import trust
    from edgectl.wiring.adapters import key_scanner
    from edgectl.wiring.fleet import load_fleet

    settings, clock = common.settings(), SystemClock()
    began = clock.monotonic()
    fleet = load_fleet(settings)
    result = trust.scan(key_scanner(settings, fleet), pattern.select(fleet, select or "all", limit=limit))
    pinned = False
    if pin_new and result.new:
        for key in result.new:
            typer.echo(f"{key.host}  {key.fingerprint}", err=True)
        pinned = common.confirm(f"Pin {len(result.new)} keys in {fleet.known_hosts}?")
        if pinned:
            trust.pin(fleet.known_hosts, result.new)
    name = "trust scan" if pin_new else "trust check"
    common.finish(trust.trust_report(clock, began, name, result, pinned=pinned or not result.new))
