"""The points of a curve told: a row each, the curves themselves, numbers for programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgectl.ops.bench.analyse import goodput
from edgectl.ops.bench.drawing import milliseconds, percent, rate
from edgectl.ops.bench.point import Point
from edgectl.ops.bench.search import Held
from edgectl.report import Chart, Line, Metric, Section, Series, Table, Tone

RATES, STREAMS = "req/s", "in flight"
_AXES = {RATES: "requests per second", STREAMS: "requests in flight"}
_COLUMNS = (">served", ">tok/s", ">TTFT p50", ">p99", ">TPOT p50", ">p99", ">n", ">goodput", "")


def points_table(points: Sequence[Point], offered: str) -> Table:
    """Return a row for each point, in the order of what was offered."""
    ordered = sorted(points, key=lambda point: point.offered)
    return Table([f">{offered}", *_COLUMNS], [_cells(point) for point in ordered])


def point_line(point: Point, offered: str) -> Line:
    """Return a point as soon as it is known."""
    load, served, tokens, ttft, _, tpot, *_ = _cells(point)
    text = f"  {load:>6} {offered}   served {served}, {tokens} tok/s   TTFT p50 {ttft} ms, TPOT {tpot} ms"
    return Line(f"{text}   {point.held.value}", Tone.QUIET)


def _cells(point: Point) -> list[str]:
    measured = point.measured
    ttft, tpot, good = measured.latencies["ttft_ms"], measured.latencies["tpot_ms"], goodput(measured)
    return [
        f"{point.offered:.3g}",
        rate(measured.requests_per_s),
        rate(measured.output_tokens_per_s),
        milliseconds(ttft.p50),
        milliseconds(ttft.p99),
        milliseconds(tpot.p50),
        milliseconds(tpot.p99),
        f"{measured.ok:,}",
        "" if good is None else percent(good.share),
        "" if good is None and point.held is Held.MET else point.held.value,
    ]


def points_data(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Return the points for programs, whole."""
    return [
        {"offered": point.offered, "held": point.held.value, "bench": dict(point.measured.whole)}
        for point in points
    ]


def points_metrics(points: Sequence[Point]) -> list[Metric]:
    """Return what a table of numbers holds, by what was offered."""
    found = []
    for point in sorted(points, key=lambda one: one.offered):
        labels = {"offered": f"{point.offered:.6g}"}
        for name in ("ttft_ms", "tpot_ms"):
            for statistic, quantile in (("p50", "0.5"), ("p99", "0.99")):
                value = getattr(point.measured.latencies[name], statistic)
                if value is not None:
                    short = name.removesuffix("_ms")
                    metric = f"edgectl_bench_point_{short}_seconds"
                    found.append(
                        Metric(
                            metric,
                            f"{short.upper()} by load.",
                            value / 1000,
                            {**labels, "quantile": quantile},
                        )
                    )
        served, tokens = point.measured.requests_per_s, point.measured.output_tokens_per_s
        found.append(Metric("edgectl_bench_point_requests_per_second", "Served, by load.", served, labels))
        found.append(
            Metric("edgectl_bench_point_output_tokens_per_second", "Tokens, by load.", tokens, labels)
        )
    return found


def curves(points: Sequence[Point], offered: str) -> Section:
    """Return the curves: latencies by what is served, and what is served by what was offered."""
    ordered = sorted(points, key=lambda point: point.offered)
    limits: Mapping[str, float] = ordered[0].measured.slo_limits if ordered else {}
    charts = [
        Chart(
            f"{shown} by throughput",
            "output tokens per second",
            f"{shown} (ms)",
            [_latency_series(ordered, name, statistic) for statistic in ("p50", "p99")],
            limit=limits.get(name),
        )
        for name, shown in (("ttft_ms", "TTFT"), ("tpot_ms", "TPOT"), ("e2e_ms", "End to end"))
    ]
    served = Series("served", [(point.offered, point.measured.requests_per_s) for point in ordered])
    charts.append(Chart("What is served", _AXES[offered], "requests per second", [served]))
    return Section("Curves", charts)


def _latency_series(points: Sequence[Point], name: str, statistic: str) -> Series:
    found = [
        (point.measured.output_tokens_per_s, getattr(point.measured.latencies[name], statistic))
        for point in points
    ]
    return Series(statistic, [(x, y) for x, y in found if y is not None])
