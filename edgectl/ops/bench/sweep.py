"""`bench sweep`: how latency and throughput go together, load by load."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgectl.errors import ExitCode, UsageError
from edgectl.ops.bench.drawing import sparkline
from edgectl.ops.bench.page import looked_up
from edgectl.ops.bench.point import Curve, Point, Tell
from edgectl.ops.bench.points_told import (
    RATES,
    STREAMS,
    curves,
    point_line,
    points_data,
    points_metrics,
    points_table,
)
from edgectl.ops.bench.search import Held
from edgectl.report import Check, Line, Report, Table, Tone

DEFAULT_STREAMS = "1,2,4,8,16,32"
_WHOLE = "whole numbers such as 1,2,4,8"


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


def loads_of(rates: str | None, streams: str | None) -> tuple[list[float], str]:
    """Parse `--rates` or `--streams` into loads and their unit; streams by default. Raises `UsageError`."""
    if rates is not None and streams is not None:
        raise UsageError("--rates and --streams exclude each other: one paces requests, the other streams")
    if rates is not None:
        return _numbers(rates, "--rates", "rates such as 1,2,4.5"), RATES
    loads = _numbers(streams or DEFAULT_STREAMS, "--streams", _WHOLE)
    if not all(load.is_integer() for load in loads):
        raise UsageError(f"--streams: {_WHOLE} are wanted, not '{streams}'")
    return loads, STREAMS


def _numbers(text: str, option: str, wanted: str) -> list[float]:
    try:
        loads = [float(part) for part in text.split(",")]
    except ValueError:
        loads = []
    if not loads or not all(0 < load < math.inf for load in loads):
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
