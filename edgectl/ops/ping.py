"""`ping`: who answers, how fast, and who does not. Nothing is changed, no lock is taken."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from edgectl.engine.outcome import HostOutcome, exit_code
from edgectl.ops.rollout import Request, rollout, run_report
from edgectl.ops.services import Services
from edgectl.ops.told import trouble
from edgectl.playbook.loader import read_playbook
from edgectl.report import Line, Metric, Report, Tone
from edgectl.yaml_source import parse

_PLAYBOOK = json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [{"name": "ping", "ping": None}]}])


def ping(services: Services, select: str | None, limit: str | None) -> Report:
    """Log in everywhere and run the smallest possible job."""
    playbook = read_playbook(parse(_PLAYBOOK, Path("<ping>")))
    prepared, outcome = rollout(services, playbook, Request("ping", select, limit))
    answering = outcome.finished()
    head = Line(_headline(answering, len(outcome.hosts)), Tone.PLAIN)
    metrics = [
        Metric("edgectl_ping_seconds", "Time to log in and run an empty job.", host.seconds, _labels(host))
        for host in answering
    ]
    body = [head, *trouble(outcome.hosts)]
    return run_report(prepared, outcome, body=body, metrics=metrics, code=exit_code(outcome))


def _labels(host: HostOutcome) -> dict[str, str]:
    return {"host": host.host, "pop": host.pop}


def _headline(answering: tuple[HostOutcome, ...], total: int) -> str:
    text = f"{len(answering):,} of {total:,} answer"
    if not answering:
        return text
    slowest = max(answering, key=lambda host: host.seconds)
    median_ms = statistics.median(host.seconds for host in answering) * 1000
    return f"{text} · median {median_ms:.0f} ms, slowest {slowest.host} {slowest.seconds * 1000:.0f} ms"
