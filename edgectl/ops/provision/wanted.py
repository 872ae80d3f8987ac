"""What each node is promised to be, as variables for the playbook. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from edgectl.catalog.hardware import Catalog
from edgectl.inventory.model import Host


def promised(hosts: Iterable[Host], catalog: Catalog) -> dict[str, Mapping[str, Any]]:
    """Return the GPUs each host must show, from its hardware; nothing for a host that names none."""
    return {host.name: _promise(host, catalog) for host in hosts if host.hardware in catalog.by_name}


def _promise(host: Host, catalog: Catalog) -> Mapping[str, Any]:
    hardware = catalog.hardware(host.hardware)
    if hardware.gpu is None:
        return {}
    return {"expected_gpu_count": hardware.gpu_count, "expected_gpu_name": hardware.gpu.nvml_name}
