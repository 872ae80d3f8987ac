"""`inventory check|list|show`: what the inventory says, told as reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from edgectl.errors import ExitCode
from edgectl.inventory.model import Fleet, Host
from edgectl.inventory.present import effective, host_rows, pop_rows
from edgectl.report import Line, Report, Table


def check_report(fleet: Fleet, now: datetime) -> Report:
    """Tell the size of an inventory that loaded, which is the proof that it is right."""
    nodes = sum(kind.role != "dpu" for kind in fleet.kinds.values())
    counts = {
        "pops": len(fleet.pops),
        "racks": len(fleet.racks),
        "nodes": nodes,
        "dpus": len(fleet.hosts) - nodes,
        "groups": len(fleet.groups),
    }
    words = ("PoPs", "racks", "nodes", "DPUs", "groups")
    text = " · ".join(f"{count:,} {word}" for count, word in zip(counts.values(), words, strict=True))
    body = [Line(f"{fleet.source} is right: {text}")]
    return Report("inventory check", now, 0.0, ExitCode.DONE, data=counts, body=body)


def list_report(fleet: Fleet, names: Sequence[str], now: datetime, *, detailed: bool) -> Report:
    """Tell the selected hosts, a line per PoP; `detailed` with an object for each, as other programs want them."""
    rows = pop_rows(fleet, names)
    columns = ["pop", "metro", "region", "country", "state", ">nodes", ">DPUs", "hosts"]
    cells = [
        [
            row.pop,
            row.metro,
            row.region,
            row.country,
            row.state,
            str(row.nodes),
            str(row.dpus or ""),
            row.hosts,
        ]
        for row in rows
    ]
    pops = len({fleet.kinds[name].pop.name for name in names})
    body: list[Line | Table] = [Table(columns, cells), Line(f"{len(names):,} hosts in {pops:,} PoPs")]
    data = {"hosts": host_rows(fleet.hosts[name] for name in names)} if detailed else {}
    return Report("inventory list", now, 0.0, ExitCode.DONE, data=data, body=body)


def show_report(host: Host, now: datetime) -> Report:
    """Tell everything in force at a host, and the file and line each value came from."""
    values = effective(host)
    rows = [[value.name, value.text, value.origin] for value in values]
    data = {
        "host": host.name,
        "values": [
            {**{k: v for k, v in asdict(value).items() if k != "place"}, "origin": value.origin}
            for value in values
        ],
    }
    body = [Table([host.name, "value", "from"], rows)]
    return Report("inventory show", now, 0.0, ExitCode.DONE, data=data, body=body)
