"""`bench sweep`: how latency and throughput go together, load by load."""

from __future__ import annotations

from collections.abc import Sequence

from edgectl.errors import ExitCode, UsageError
from edgectl.ops.bench.drawing import sparkline
from edgectl.ops.bench.page import looked_up
from edgectl.ops.bench.point import Curve, Point, Tell
from edgectl.ops.bench.points_told import (
    RATES,
    curves,
    point_line,
    points_data,
    points_metrics,
    points_table,
)
from edgectl.ops.bench.search import Held
from edgectl.report import Check, Line, Report, Table, Tone


def sweep(curve: Curve, offered: Sequence[float], unit: str, tell: Tell) -> Report:
    """Measure each load in turn, from the least to the most; `unit` is RATES or STREAMS.

    Rates end where the queue rises: beyond, a latency says only how long the point took.
    """
    clock = curve.services.clock
    started, began = clock.now(), clock.monotonic()
    points: list[Point] = []
    for load in sorted(set(offered)):
        number = len(points)
        points.append(curve.at_rate(load, number) if unit == RATES else curve.at_streams(round(load), number))
        tell(point_line(points[-1], unit))
        if points[-1].held is Held.CLIENT or (unit == RATES and points[-1].held is Held.RISING):
            break
    is_bound = points[-1].held is Held.CLIENT
    return Report(
        command=curve.command,
        started=started,
        seconds=clock.monotonic() - began,
        exit_code=ExitCode.STOPPED if is_bound else ExitCode.DONE,
        data={"points": points_data(points)},
        body=[points_table(points, unit), *_summary(points, len(set(offered)))],
        checks=[Check("sweep", curve.server.name, "unknown" if is_bound else "ok")],
        metrics=points_metrics(points),
        sections=[curves(points, unit), *looked_up(points[0].measured)],
    )


def parse_loads(text: str, option: str) -> list[float]:
    """Parse `1,2,4.5` into loads. Raises `UsageError` that names the option."""
    try:
        loads = [float(part) for part in text.split(",")]
    except ValueError:
        loads = []
    whole = option != "--streams" or all(load.is_integer() for load in loads)
    if not loads or not whole or not all(0 < load < float("inf") for load in loads):
        wanted = "whole numbers such as 1,2,4,8" if option == "--streams" else "rates such as 1,2,4.5"
        raise UsageError(f"{option}: {wanted} are wanted, not '{text}'")
    return loads


def _summary(points: Sequence[Point], wanted: int) -> list[Line | Table]:
    tokens = [round(point.measured.output_tokens_per_s) for point in points]
    waits = [round((point.measured.latencies["ttft_ms"].p50 or 0) * 1000) for point in points]
    lines: list[Line | Table] = [Line(f"tok/s {sparkline(tokens)}   TTFT p50 {sparkline(waits)}")]
    if len(points) < wanted:
        why = points[-1].held.value
        lines.append(Line(f"ended after {len(points)} of {wanted} loads: {why}", Tone.NOTICE))
    return lines
