"""Measurements told: a table for a person, the same object for programs, metrics and checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from edgectl.engine.outcome import exit_code
from edgectl.errors import ExitCode
from edgectl.ops.bench.across import across_line, bench_data, typical
from edgectl.ops.bench.analyse import bench_exit_code, goodput
from edgectl.ops.bench.lines import body_of_many, body_of_one, client_line
from edgectl.ops.bench.measured import Measured
from edgectl.ops.bench.page import measured_sections
from edgectl.ops.bench.turns import Seen
from edgectl.ops.rollout import compared, run_report, with_clusters
from edgectl.ops.told import closing, clusters, trouble
from edgectl.report import Check, Line, Metric, Report, Section, Table

_QUANTILES = {"p50": "0.5", "p90": "0.9", "p99": "0.99"}
_SAID = {
    "ttft_ms": "Time to first token.",
    "tpot_ms": "Time per output token after the first.",
    "itl_ms": "Inter-token latency.",
    "icl_ms": "Inter-chunk latency.",
    "e2e_ms": "Latency of a whole request.",
}


def hosts_report(seen: Seen) -> Report:
    """Tell a measurement on nodes: one in full, several as rows and the fleet."""
    prepared, outcome = seen.prepared, seen.outcome
    repeats = {host: found for host, found in seen.measured.items() if found}
    measured = [typical(found) for found in repeats.values()]
    code = bench_exit_code(exit_code(outcome), [one for found in repeats.values() for one in found])
    one = len(outcome.hosts) == 1
    told = _one(next(iter(repeats.values()))) if one and repeats else body_of_many(measured)
    comparison = compared(prepared, outcome)
    body = [*told, *trouble(outcome.hosts, comparison)]
    if not one or code != ExitCode.DONE:
        body += closing(outcome, code)
    report = run_report(
        prepared,
        outcome,
        data=lambda host: bench_data(repeats.get(host.host, ())),
        body=body,
        metrics=[metric for host in measured for metric in _metrics(host, _labels(host))],
        code=code,
    )
    report = with_clusters(report, clusters(outcome.hosts, comparison))
    return replace(report, checks=[*report.checks, *_checks(measured)], sections=_sections(repeats))


def url_report(seen: Seen, url: str) -> Report:
    """Tell a measurement from here: there is no host in it, only the URL."""
    prepared, outcome = seen.prepared, seen.outcome
    here = outcome.hosts[0]
    repeats = seen.measured[here.host]
    measured = [typical(repeats)] if repeats else []
    code = bench_exit_code(exit_code(outcome), repeats)
    body: list[Line | Table] = _one(repeats) if repeats else []
    body += [*trouble([replace(here, host=url)]), *(closing(outcome, code) if code != ExitCode.DONE else [])]
    status = "ok" if exit_code(outcome) == ExitCode.DONE else "failed"
    return Report(
        command=prepared.plan.command,
        run=outcome.run,
        started=prepared.started,
        seconds=outcome.seconds,
        exit_code=code,
        data={"url": url, "status": status, "reason": here.reason, **bench_data(repeats)},
        body=body,
        checks=[Check("measure", url, status, here.reason, here.seconds), *_checks(measured)],
        metrics=[metric for found in measured for metric in _metrics(found, {"url": url})],
        sections=_sections({url: repeats} if repeats else {}),
    )


def _sections(repeats: Mapping[str, Sequence[Measured]]) -> list[Section]:
    """Return the distributions of each host, or of each repeat where there is one host."""
    if len(repeats) == 1:
        (found,) = repeats.values()
        return measured_sections({f"repeat {number}": one for number, one in enumerate(found, start=1)})
    return measured_sections({host: typical(found) for host, found in repeats.items()})


def _one(repeats: Sequence[Measured]) -> list[Line | Table]:
    return [*body_of_one(typical(repeats)), *across_line(repeats)]


def _labels(host: Measured) -> dict[str, str]:
    return {"host": host.where, "pop": host.pop}


def _checks(measured: Sequence[Measured]) -> list[Check]:
    return [check for host in measured for check in (*_slo_check(host), _client_check(host))]


def _slo_check(host: Measured) -> list[Check]:
    """A missed SLO is a warning: `bench run` measures, it is `bench gate` that judges."""
    found = goodput(host)
    if found is None:
        return []
    message = f"{host.slo_met} of {host.sent} requests met {_limits(host)}"
    return [Check("slo", host.where, "ok" if found.is_met else "warning", message)]


def _limits(host: Measured) -> str:
    return ", ".join(f"{name.removesuffix('_ms')} {limit:g} ms" for name, limit in host.slo_limits.items())


def _client_check(host: Measured) -> Check:
    status = "unknown" if host.client.is_bound else "ok"
    return Check("client", host.where, status, client_line(host.client).text)


def _metrics(host: Measured, labels: dict[str, str]) -> list[Metric]:
    """Return the figures in base units; what the sample cannot bear is left out."""
    found = []
    for name, latency in host.latencies.items():
        metric = f"edgectl_bench_{name.removesuffix('_ms')}_seconds"
        for field, quantile in _QUANTILES.items():
            figure = getattr(latency, field)
            if figure is not None:
                found.append(Metric(metric, _SAID[name], figure / 1000, {**labels, "quantile": quantile}))
    found += [
        Metric("edgectl_bench_requests_per_second", "Good requests per second.", host.requests_per_s, labels),
        Metric(
            "edgectl_bench_output_tokens_per_second",
            "Output tokens per second.",
            host.output_tokens_per_s,
            labels,
        ),
        Metric("edgectl_bench_requests", "Requests sent.", host.sent, labels),
        Metric("edgectl_bench_requests_failed", "Requests that failed.", host.sent - host.ok, labels),
        Metric(
            "edgectl_bench_client_bound",
            "1 where the figures are the client's and cannot be trusted.",
            float(host.client.is_bound),
            labels,
        ),
    ]
    good = goodput(host)
    if good is not None:
        found.append(
            Metric("edgectl_bench_goodput_ratio", "Requests that met the SLO, of all.", good.share, labels)
        )
    return found
