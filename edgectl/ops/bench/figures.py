"""The figures that measurements are compared by: their names, units and bad sides. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgectl.complaints import did_you_mean
from edgectl.errors import UsageError
from edgectl.ops.bench.drawing import milliseconds, rate
from edgectl.ops.bench.measured import LATENCIES, Measured

_STATISTICS = ("mean", "p50", "p90", "p99")


@dataclass(frozen=True, slots=True)
class Figure:
    """`name` is what people type, `key` what records call it; `is_worse_high` says which side is bad."""

    name: str
    key: str
    shown: str
    unit: str
    is_worse_high: bool = True

    def number(self, value: float) -> str:
        """Return a value with as many digits as it deserves, without its unit."""
        return rate(value) if self.unit == "1/s" else milliseconds(value)

    def quantity(self, value: float) -> str:
        """Return a value with its unit: `23.1 ms`, `4,012/s`."""
        return f"{rate(value)}/s" if self.unit == "1/s" else f"{milliseconds(value)} {self.unit}"


def _latency(latency: str, statistic: str) -> Figure:
    short = latency.removesuffix("_ms")
    return Figure(f"{short}.{statistic}", f"{latency}.{statistic}", f"{short.upper()} {statistic}", "ms")


FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        *(_latency(latency, statistic) for latency in LATENCIES for statistic in _STATISTICS),
        Figure("requests", "requests_per_s", "requests", "1/s", is_worse_high=False),
        Figure("tokens", "output_tokens_per_s", "tokens", "1/s", is_worse_high=False),
        Figure("goodput", "goodput", "goodput", "1/s", is_worse_high=False),
        Figure("energy", "joules_per_token", "energy", "J/token"),
    )
}
# What is judged where nobody says: how soon, how smoothly, how much. A p99 needs many requests to hold still.
JUDGED = ("ttft.p50", "tpot.p50", "tokens")
DEFAULT_ALLOWED = 0.05


def figures_of(measured: Measured) -> dict[str, float]:
    """Return the figures of a measurement by key; one that its sample cannot bear is left out."""
    found = {
        f"{name}.{statistic}": getattr(latency, statistic)
        for name, latency in measured.latencies.items()
        for statistic in _STATISTICS
    }
    found["requests_per_s"] = measured.requests_per_s
    found["output_tokens_per_s"] = measured.output_tokens_per_s
    found["failed"] = float(measured.sent - measured.ok)
    found["sent"] = float(measured.sent)
    found["joules_per_token"] = measured.energy and measured.energy.joules_per_token
    if measured.slo_limits and measured.duration_s:
        found["goodput"] = measured.slo_met / measured.duration_s
    return {key: float(figure) for key, figure in found.items() if figure is not None}


def parse_allowed(text: str) -> dict[str, float]:
    """Parse `5%` or `ttft.p50=5%,tokens=10%`: by how much each figure may be worse. Raises `UsageError`.

    A share alone is for all that is judged by default; with names, only these are judged.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) == 1 and "=" not in parts[0]:
        return dict.fromkeys(JUDGED, _share(parts[0]))
    allowed = {}
    for part in parts:
        name, _, share = (word.strip() for word in part.partition("="))
        if name not in FIGURES:
            suggested = did_you_mean(name, FIGURES)
            known = suggested or f"; there are {', '.join(FIGURES)}"
            raise UsageError(f"--allow: there is no figure '{name}'{known}")
        allowed[name] = _share(share)
    if not allowed:
        raise UsageError("--allow wants a share such as 5%, or ttft.p50=5%,tokens=10%")
    return allowed


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not text.endswith("%") or not 0 < share < 1:
        raise UsageError(f"--allow: a share such as 5% is wanted, not '{text}'")
    return share
