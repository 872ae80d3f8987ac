"""`health bundle`: ask one host for its evidence, judge it as `health` does, pack it."""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.engine.outcome import HostStatus
from edgectl.errors import ExitCode
from edgectl.ops.health.apply import check
from edgectl.ops.health.evidence import Bundle, bundle_of
from edgectl.ops.rollout import Request, rollout, run_report
from edgectl.ops.services import Services
from edgectl.ops.told import closing, trouble
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Report, Tone

PLAYBOOK = "evidence.yaml"
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
        body = [*trouble(outcome.hosts), *closing(outcome, ExitCode.FAILED)]
        return Collected(run_report(prepared, outcome, body=body), None, name)
    looked = next(entry for entry in health.hosts if entry.host == one.host)
    bundle = bundle_of(one, looked.data, {}, services.clock.now())
    body = _told(bundle, name)
    data = {
        "file": name,
        "sha256": bundle.sha256,
        "files": dict(bundle.digests),
        "missing": list(bundle.missing),
    }
    report = run_report(prepared, outcome, body=body, data=lambda _host: {"bundle": data})
    return Collected(report, bundle, name)


def _told(bundle: Bundle, name: str) -> list[Line]:
    size_kib = len(bundle.archive) / 1024
    lines = [Line(f"{name}   {len(bundle.digests)} files, {size_kib:,.0f} KiB", Tone.GOOD)]
    lines.append(Line(f"  sha256 {bundle.sha256}"))
    if bundle.missing:
        lines.append(Line(f"  the host has no {', '.join(bundle.missing)}", Tone.NOTICE))
    return lines
