"""What a page shows beside the report's own lines: distributions, definitions, load and environment. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgectl.ops.bench.measured import Measured
from edgectl.report import Chart, Section, Series, Table

_DRAWN = {"ttft_ms": "TTFT", "tpot_ms": "TPOT", "itl_ms": "ITL", "e2e_ms": "End to end"}
# As many as can be told apart; of more, those with the slowest tokens.
_CURVES = 8


def measured_sections(measured: Mapping[str, Measured]) -> list[Section]:
    """Return the sections of measurements by name: hosts, or the repeats of one."""
    if not measured:
        return []
    shown = dict(sorted(measured.items(), key=_slowness, reverse=True)[:_CURVES])
    named = {name: shown[name] for name in measured if name in shown}
    of = "" if len(shown) == len(measured) else f", the {len(shown)} slowest of {len(measured)}"
    charts = [chart for key, title in _DRAWN.items() if (chart := _distribution(key, title, named))]
    first = next(iter(measured.values()))
    return [Section(f"Distributions{of}", charts), *looked_up(first)]


def looked_up(measured: Measured) -> list[Section]:
    """Return what the words mean, what was asked of the server, and what else is known of it."""
    tables = {
        "Load": measured.whole["load"],
        "Environment": measured.whole.get("environment") or {},
        "Power": measured.whole.get("power") or {},
        "The client's own error bar": measured.whole["validity"],
    }
    sections = [
        Section(title, [Table(["", ""], [[name, value] for name, value in _flat(held)])])
        for title, held in tables.items()
        if held
    ]
    meanings = [[name, meaning] for name, meaning in measured.definitions.items()]
    return [*sections, Section("Definitions", [Table(["", ""], meanings)])]


def _slowness(named: tuple[str, Measured]) -> float:
    return named[1].latencies["tpot_ms"].p50 or 0.0


def _distribution(key: str, title: str, measured: Mapping[str, Measured]) -> Chart | None:
    series = [
        Series(name, list(zip(values, percents, strict=True)))
        for name, one in measured.items()
        if (drawn := one.whole.get("quantiles"))
        for percents, values in [(drawn["percents"], drawn[key])]
        if values
    ]
    if not series:
        return None
    limit = f"{title}: share of {'tokens' if key == 'itl_ms' else 'requests'} within"
    return Chart(limit, f"{title} (ms)", "percent", series, has_steps=True)


def _flat(held: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested settings as rows; what is not set is left out."""
    for name, value in held.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name} ")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from _flat_list(value, f"{before}{name}")
        elif value is not None:
            yield f"{before}{name}", str(value)


def _flat_list(values: Sequence[Any], name: str) -> Iterator[tuple[str, str]]:
    """Yield a list as one row, or as rows for each of the things that it lists."""
    for number, value in enumerate(values, start=1):
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name} {number} ")
    plain = [str(value) for value in values if not isinstance(value, Mapping)]
    if plain:
        yield name, ", ".join(plain)
