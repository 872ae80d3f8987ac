"""The inventory a lab writes for itself: fleet.yaml and known_hosts."""

from __future__ import annotations

from pathlib import Path

import yaml

from edgectl import shipped
from edgectl.lab.keys import key_at, public_line
from edgectl.lab.layout import METROS, Backend, LabFiles, LabHost, LabSpec, hosts_of

_HEADERS = {
    Backend.SANDBOX: "# Written by `edgectl lab up`. The hosts are sandboxes on this machine.\n",
    Backend.NSPAWN: "# Written by `edgectl lab up`. The hosts are Debian machines in systemd-nspawn here.\n",
}


def write_inventory(spec: LabSpec) -> None:
    """Make the client's and the hosts' keys and write the inventory that names them."""
    files = LabFiles(spec.directory)
    (files.inventory / "services").mkdir(parents=True, exist_ok=True)
    files.host_keys.mkdir(exist_ok=True)
    key = key_at(files.client_key)
    public = files.client_key.with_suffix(".pub")
    public.write_text(f"{public_line(key)} edgectl-lab\n", encoding="utf-8")
    hosts = hosts_of(spec)
    fleet = yaml.safe_dump(_fleet(spec, hosts), sort_keys=False, width=110)
    (files.inventory / "fleet.yaml").write_text(_HEADERS[spec.backend] + fleet, encoding="utf-8")
    files.known_hosts.write_text("".join(_pin(spec, host) for host in hosts), encoding="utf-8")
    if spec.backend is Backend.SANDBOX:
        _write_baseline(files.inventory / "baselines")


def _write_baseline(folder: Path) -> None:
    """Write the shipped baseline of the lab's GPUs, less what wants a GPU that computes."""
    baseline = yaml.safe_load(
        (shipped.inventory() / "baselines/rtx-pro-6000.yaml").read_text(encoding="utf-8")
    )
    baseline["acceptance"] |= {"cuda": False, "peers": False, "burn_in_s": None}
    folder.mkdir(exist_ok=True)
    text = yaml.safe_dump(baseline, sort_keys=False, width=110)
    (folder / "lab.yaml").write_text(f"# The lab's GPUs compute nothing.\n{text}", encoding="utf-8")


def _fleet(spec: LabSpec, hosts: tuple[LabHost, ...]) -> dict[str, object]:
    key = str(LabFiles(spec.directory).client_key)
    pops = dict.fromkeys(host.pop for host in hosts)
    return {
        "defaults": {"ssh": {"user": "root", "port": spec.port, "key": key}},
        "pops": {pop: _pop(spec, pop, [host for host in hosts if host.pop == pop]) for pop in pops},
    }


def _pop(spec: LabSpec, pop: str, hosts: list[LabHost]) -> dict[str, object]:
    metro, region, country, zone = next((row for row in METROS if pop.startswith(row[0])), METROS[0])
    return {
        "metro": metro.upper(),
        "region": region,
        "country": country,
        "tz": zone,
        "state": "live",
        "hosts": {host.name: {"address": host.address, "role": "gpu", **_hardware(spec)} for host in hosts},
    }


def _hardware(spec: LabSpec) -> dict[str, object]:
    if spec.backend is Backend.NSPAWN:
        return {}  # its GPUs are this machine's own: mostly none
    # The sandbox shows its GPUs and always one DPU, and its packages are empty.
    return {
        "hardware": f"rtx-pro-6000-server-{spec.gpus_per_host}",
        "vars": {"dpu_count": 1, "needed_mib": 8},
    }


def _pin(spec: LabSpec, host: LabHost) -> str:
    key = key_at(LabFiles(spec.directory).host_keys / host.name)
    place = host.address if spec.port == 22 else f"[{host.address}]:{spec.port}"  # noqa: PLR2004 - SSH's own port
    return f"{place} {public_line(key)}\n"
