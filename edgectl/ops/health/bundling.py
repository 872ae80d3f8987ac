"""`health bundle`: ask one host for its evidence, judge it as `health` does, pack it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edgectl.engine.outcome import HostStatus, exit_code
from edgectl.errors import InputError
from edgectl.ops.health.apply import check
from edgectl.ops.health.evidence import Bundle, bundle_of
from edgectl.ops.health.history.told import history_of
from edgectl.ops.rollout import Request, rollout, run_report
from edgectl.ops.services import Services
from edgectl.ops.told import closing, trouble
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Report, Tone

PLAYBOOK = "evidence.yaml"
# What the record adds: a card's days, its last twenty looks, what came and went.
_DAYS = 90
_BUG_REPORT_PATH = "/var/tmp/edgectl-bug-report.log"  # noqa: S108 - at the host, and root's alone to write as the program does


@dataclass(frozen=True, slots=True)
class Collected:
    """What a host gave; `bundle` is None where it gave nothing."""

    report: Report
    bundle: Bundle | None
    name: str


def collect(services: Services, host: str, *, bug_report: bool) -> Collected:
    """Return a host's evidence. Its health is asked for first, so that the record has today's look too."""
    health = check(services, host, None)
    variables = {"bug_report": bug_report, "bug_report_path": _BUG_REPORT_PATH}
    playbook = load_playbook(services.playbooks / PLAYBOOK)
    prepared, outcome = rollout(
        services, playbook, Request("health bundle", host, options=Options(extra_vars=variables))
    )
    one = outcome.hosts[0]
    name = f"{one.host}-{services.clock.now():%Y%m%dT%H%M%SZ}.tar.gz"
    if one.status not in (HostStatus.OK, HostStatus.CHANGED):
        body = [*trouble(outcome.hosts), *closing(outcome, exit_code(outcome))]
        return Collected(run_report(prepared, outcome, body=body), None, name)
    looked = next(entry for entry in health.hosts if entry.host == one.host)
    now = services.clock.now()
    bundle = bundle_of(one, looked.data, _past(services, host, now), now)
    body = _told(bundle, name)
    data = {
        "file": name,
        "sha256": bundle.sha256,
        "files": dict(bundle.digests),
        "missing": list(bundle.missing),
    }
    report = run_report(prepared, outcome, body=body, data=lambda _host: {"bundle": data})
    return Collected(report, bundle, name)


def _past(services: Services, host: str, now: datetime) -> Mapping[str, Any]:
    """Return what is on record of a host; nothing where nobody could put anything there."""
    try:
        return history_of(services.health, host, None, _DAYS, now).data
    except InputError:
        return {}


def _told(bundle: Bundle, name: str) -> list[Line]:
    size_kib = len(bundle.archive) / 1024
    lines = [Line(f"{name}   {len(bundle.digests)} files, {size_kib:,.0f} KiB", Tone.GOOD)]
    lines.append(Line(f"  sha256 {bundle.sha256}"))
    if bundle.missing:
        lines.append(Line(f"  the host has no {', '.join(bundle.missing)}", Tone.NOTICE))
    return lines
