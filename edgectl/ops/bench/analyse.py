"""What measurements mean: goodput, the SLO's verdict, the fleet as one, the exit code. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from edgectl.errors import ExitCode
from edgectl.ops.bench.measured import Measured

# An SLO is met where this share of the requests met it: MLPerf's server scenario is judged at p99 too.
SLO_SHARE = 0.99


@dataclass(frozen=True, slots=True)
class Goodput:
    """How many of the requests sent met every limit; those that failed met none."""

    share: float
    requests_per_s: float

    @property
    def is_met(self) -> bool:
        """Tell whether that is enough."""
        return self.share >= SLO_SHARE


def goodput(measured: Measured) -> Goodput | None:
    """Return the goodput, or None where no SLO was given."""
    if not measured.slo_limits or not measured.sent:
        return None
    per_s = measured.slo_met / measured.duration_s if measured.duration_s else 0.0
    return Goodput(measured.slo_met / measured.sent, per_s)


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """Several hosts as one: rates are sums, the p50 is the median host's, the p99 the worst host's."""

    hosts: int
    requests_per_s: float
    output_tokens_per_s: float
    ttft_p50_ms: float | None
    ttft_p99_ms: float | None
    tpot_p50_ms: float | None
    tpot_p99_ms: float | None
    sent: int
    ok: int
    goodput: float | None


def fleet_figures(measured: Sequence[Measured]) -> FleetFigures:
    """Sum up. A percentile is never averaged: that would be a percentile of nothing."""
    with_slo = [host for host in measured if host.slo_limits]
    sent = sum(host.sent for host in with_slo)
    return FleetFigures(
        hosts=len(measured),
        requests_per_s=sum(host.requests_per_s for host in measured),
        output_tokens_per_s=sum(host.output_tokens_per_s for host in measured),
        ttft_p50_ms=_median([host.latencies["ttft_ms"].p50 for host in measured]),
        ttft_p99_ms=max(_known([host.latencies["ttft_ms"].p99 for host in measured]), default=None),
        tpot_p50_ms=_median([host.latencies["tpot_ms"].p50 for host in measured]),
        tpot_p99_ms=max(_known([host.latencies["tpot_ms"].p99 for host in measured]), default=None),
        sent=sum(host.sent for host in measured),
        ok=sum(host.ok for host in measured),
        goodput=sum(host.slo_met for host in with_slo) / sent if sent else None,
    )


def _median(figures: Sequence[float | None]) -> float | None:
    known = _known(figures)
    return statistics.median(known) if known else None


def _known(figures: Sequence[float | None]) -> list[float]:
    return [figure for figure in figures if figure is not None]


def bench_exit_code(run: ExitCode, measured: Sequence[Measured]) -> ExitCode:
    """Return 6 where a client and not its server made the figures, else the run's own code.

    6 goes before 4 (contract, section 3); an interrupted run stays interrupted.
    """
    if run is ExitCode.INTERRUPTED:
        return run
    return ExitCode.STOPPED if any(host.client.is_bound for host in measured) else run
