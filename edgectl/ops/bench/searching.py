"""`bench search`: the highest rate at which the SLOs hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgectl.errors import ExitCode
from edgectl.ops.bench.analyse import SLO_SHARE
from edgectl.ops.bench.drawing import percent
from edgectl.ops.bench.page import looked_up
from edgectl.ops.bench.point import Curve, Point, Tell
from edgectl.ops.bench.points_told import RATES, curves, point_line, points_data, points_metrics, points_table
from edgectl.ops.bench.search import Found, Held, Tried, found_so_far, next_rate
from edgectl.report import Check, Line, Report, Tone

_STATUSES = {ExitCode.DONE: "ok", ExitCode.FAILED: "failed", ExitCode.STOPPED: "unknown"}


def search(curve: Curve, start: float, tell: Tell) -> Report:
    """Find it, beginning at `start`; a client that is the limit ends the search without an answer."""
    clock = curve.services.clock
    started, began = clock.now(), clock.monotonic()
    points: list[Point] = []
    while not _is_bound(points) and (rate := next_rate(_tried(points), start)) is not None:
        points.append(curve.at_rate(rate, len(points)))
        tell(point_line(points[-1], RATES))
    found = found_so_far(_tried(points))
    line, code = _answer(found, points)
    slo = dict(curve.workload.slo)
    return Report(
        command=curve.command,
        started=started,
        seconds=clock.monotonic() - began,
        exit_code=code,
        data={
            "search": {"rate": found.low, "too_high": found.high, "slo": slo},
            "points": points_data(points),
        },
        body=[points_table(points, RATES), line],
        checks=[Check("search", curve.server.name, _STATUSES[code], line.text)],
        metrics=points_metrics(points),
        sections=[curves(points, RATES), *looked_up(points[0].measured)],
    )


def _is_bound(points: Sequence[Point]) -> bool:
    return bool(points) and points[-1].held is Held.CLIENT


def _tried(points: Sequence[Point]) -> list[Tried]:
    return [Tried(point.offered, point.held) for point in points]


def _answer(found: Found, points: Sequence[Point]) -> tuple[Line, ExitCode]:
    shown = _limits(points[0].measured.slo_limits)
    if _is_bound(points):
        known = f"at least {found.low:.3g} req/s holds" if found.low else "nobody knows what holds"
        why = "; ".join(points[-1].measured.client.reasons)
        return Line(
            f"undecided: {known} {shown}; then the client was the limit: {why}", Tone.BAD
        ), ExitCode.STOPPED
    if found.low is None:
        least = min(point.offered for point in points)
        return Line(f"no rate holds {shown}, not even {least:.3g} req/s", Tone.BAD), ExitCode.FAILED
    beyond = "none was too high" if found.high is None else f"{found.high:.3g} is too high"
    text = f"{found.low:.3g} req/s holds {shown} for {percent(SLO_SHARE)} of the requests; {beyond}"
    return Line(text, Tone.GOOD), ExitCode.DONE


def _limits(limits: Mapping[str, float]) -> str:
    return ", ".join(f"{name.removesuffix('_ms').upper()} {limit:g} ms" for name, limit in limits.items())
