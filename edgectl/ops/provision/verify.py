"""`provision verify`: do the certificates at the nodes still say what was written when they were accepted?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgectl.engine.outcome import HostOutcome, exit_code
from edgectl.inventory.fold import folded
from edgectl.ops.rollout import Request, rollout, run_report
from edgectl.ops.services import Services
from edgectl.ops.told import closing, trouble
from edgectl.playbook.loader import read_playbook
from edgectl.report import Line, Report, Tone
from edgectl.yaml_source import parse

_MODULE = "certificate"
_PLAY = """
- hosts: role=gpu
  become: true
  gather_facts: false
  tasks:
    - name: verify / certificates
      certificate: {host: "{{ inventory_hostname }}", state: verified}
"""


def verify(services: Services, request: Request) -> Report:
    """Ask every selected node; a chain that is broken or missing is a failure of that node."""
    prepared, outcome = rollout(services, read_playbook(parse(_PLAY, Path("verify"))), request)
    told = {host.host: _certificate(host) for host in outcome.finished()}
    baselines: dict[str, list[str]] = {}
    for name, certificate in told.items():
        baselines.setdefault(str(certificate.get("baseline", {}).get("name", "")), []).append(name)
    body = [
        *(
            Line(f"  {len(names):>4}  {folded(names)}   {baseline}", Tone.GOOD)
            for baseline, names in sorted(baselines.items())
        ),
        *trouble(outcome.hosts),
        *closing(outcome, exit_code(outcome)),
    ]
    return run_report(prepared, outcome, body=body, data=lambda host: {"certificate": _certificate(host)})


def _certificate(host: HostOutcome) -> Mapping[str, Any]:
    found = host.result_of(_MODULE) or {}
    certificate: Mapping[str, Any] = found.get("certificate", {})
    return certificate
