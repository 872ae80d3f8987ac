"""`lab`: a local fleet of real SSH hosts to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import Common, command
from edgectl.cli.quick import QuickGroup
from edgectl.lab.layout import Backend, Network

if TYPE_CHECKING:
    from edgectl.lab.lifecycle import LabStatus
    from edgectl.report import Report

Folder = Annotated[
    Path | None,
    typer.Option("--folder", metavar="PATH", help="Where the lab lives (default: below your home)."),
]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="A local fleet of real SSH hosts to try things on.", no_args_is_help=True, cls=QuickGroup
    )
    app.add_typer(group, name="lab")

    @command(group)
    def up(
        common: Common,
        hosts: Annotated[int, typer.Option("--hosts", min=1, max=50, help="How many hosts.")] = 12,
        gpus: Annotated[int, typer.Option("--gpus", min=1, max=8, help="GPUs per sandbox.")] = 2,
        backend: Annotated[
            Backend,
            typer.Option("--backend", help="Sandboxes, or real Debian machines in systemd-nspawn (root)."),
        ] = Backend.SANDBOX,
        network: Annotated[
            Network,
            typer.Option(
                "--network", help="nspawn: this machine's network, or a private one with firewalls."
            ),
        ] = Network.SHARED,
        subnet: Annotated[
            str,
            typer.Option("--subnet", metavar="RANGE", help="Addresses of a private network: 10.1.2.0/24."),
        ] = "",
        folder: Folder = None,
    ) -> None:
        """Bring the lab up and say which inventory to use."""
        from edgectl.lab.lifecycle import LabSpec
        from edgectl.lab.lifecycle import up as bring_up

        spec = LabSpec(
            hosts=hosts,
            gpus_per_host=gpus,
            directory=_folder(common, folder),
            backend=backend,
            network=network,
            subnet=subnet,
            cache=str(common.settings().lab_cache),
        )
        common.finish(_report("lab up", bring_up(spec, lambda said: typer.echo(said, err=True))))

    @command(group)
    def down(common: Common, folder: Folder = None) -> None:
        """End every process of the lab and remove its files."""
        from edgectl.lab.lifecycle import down as bring_down

        directory = _folder(common, folder)
        last = bring_down(directory)
        typer.echo(f"the lab in {directory} is gone" if last else f"there is no lab in {directory}", err=True)

    @command(group)
    def status(common: Common, folder: Folder = None) -> None:
        """Say which hosts are up, and which faults they play."""
        from edgectl.lab.lifecycle import status as read_status

        common.finish(_report("lab status", read_status(_folder(common, folder))))

    @command(group)
    def fault(
        common: Common,
        host: Annotated[str, typer.Argument(help="A lab host.")],
        kind: Annotated[
            str,
            typer.Argument(
                help="reboot, power-cut, unreachable, slow, hostkey, disk-full, gpu-lost, …, clear."
            ),
        ],
        value: Annotated[str | None, typer.Argument(help="What the fault wants, as `slow 250` does.")] = None,
        folder: Folder = None,
    ) -> None:
        """Play a fault at a host, at once; all but `reboot` and `power-cut` last until `clear`."""
        from edgectl.lab.lifecycle import fault as play

        common.finish(_report("lab fault", play(_folder(common, folder), host, kind, value)))


def _folder(common: Common, folder: Path | None) -> Path:
    return folder or common.settings().lab_folder


def _report(name: str, status: LabStatus) -> Report:
    from edgectl.clock import SystemClock
    from edgectl.errors import ExitCode
    from edgectl.report import HostEntry, Line, Report, Table, Tone

    rows = [[host.name, host.address, host.state.value, ", ".join(host.faults)] for host in status.hosts]
    entries = tuple(
        HostEntry(host.name, "", "ok", data={"state": host.state.value, "faults": list(host.faults)})
        for host in status.hosts
    )
    body: list[Line | Table] = [
        Table(["host", "address", "state", "faults"], rows),
        *(Line(f"note: {note}", Tone.QUIET) for note in status.notes),
        Line(f"use it with  -i {status.inventory}"),
    ]
    data = {"inventory": str(status.inventory), "notes": list(status.notes)}
    return Report(name, SystemClock().now(), 0.0, ExitCode.DONE, hosts=entries, data=data, body=body)
