"""What a person sees of a measurement: one in full, many as a row each. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from edgectl.ops.bench.analyse import fleet_figures, goodput
from edgectl.ops.bench.drawing import milliseconds, percent, rate, sparkline
from edgectl.ops.bench.measured import Client, Energy, Latency, Measured
from edgectl.report import Line, Table, Tone

_SHOWN = {"ttft_ms": "TTFT", "tpot_ms": "TPOT", "itl_ms": "ITL", "e2e_ms": "E2E"}
# More hosts than this are folded: the slowest are shown, the others counted.
_ROWS = 20
# What several clients are bound by is mostly one thing.
_BOUND_SHOWN = 2


def body_of_one(measured: Measured) -> list[Line | Table]:
    """Return one measurement in full."""
    rows = [
        [shown, "ms", *_figures(measured.latencies[name]), sparkline(measured.histograms[name])]
        for name, shown in _SHOWN.items()
    ]
    columns = ["", "", ">mean", ">p50", ">p90", ">p99", f"(n = {measured.ok:,})"]
    table = [Table(columns, rows)] if measured.ok else []
    return [
        *table,
        Line(_throughput(measured)),
        *_lengths(measured),
        *_energy(measured.energy),
        *_errors(measured),
        client_line(measured.client),
        *_small_print(measured),
    ]


def _figures(latency: Latency) -> list[str]:
    return [milliseconds(figure) for figure in (latency.mean, latency.p50, latency.p90, latency.p99)]


def _throughput(measured: Measured) -> str:
    offered = "" if measured.offered_per_s is None else f"{rate(measured.offered_per_s)} req/s offered, "
    served = (
        f"{rate(measured.requests_per_s)} served" if offered else f"{rate(measured.requests_per_s)} req/s"
    )
    parts = [f"throughput  {offered}{served}", f"{rate(measured.output_tokens_per_s)} tok/s"]
    good = goodput(measured)
    if good is not None:
        parts.append(f"goodput {percent(good.share)}, SLO {'met' if good.is_met else 'missed'}")
    return " · ".join(parts)


def _lengths(measured: Measured) -> list[Line]:
    """Return how long prompts and answers really were."""
    told = [
        f"{name} {rate(length.mean)} tokens"
        for name, length in measured.lengths.items()
        if length.mean is not None
    ]
    return [Line(f"lengths     {', '.join(told)}, means of what the server counted")] if told else []


def _energy(energy: Energy | None) -> list[Line]:
    """Return what the GPUs drew, and what slowed them down."""
    if energy is None or energy.power_w is None:
        return []
    token = "" if energy.joules_per_token is None else f" · {energy.joules_per_token:.3g} J/token"
    lines = [Line(f"power       {rate(energy.power_w)} W{token}")]
    reasons = ", ".join(f"{reason} {percent(share)}" for reason, share in energy.throttled.items())
    return [*lines, Line(f"throttled   {reasons} of the time", Tone.NOTICE)] if reasons else lines


def _errors(measured: Measured) -> list[Line]:
    """Return how many requests failed, by kind, with what the first of each kind said."""
    if not measured.errors:
        return []
    kinds = ", ".join(f"{kind} {count}" for kind, count in measured.errors.items())
    lines = [Line(f"errors      {sum(measured.errors.values())} of {measured.sent:,}: {kinds}", Tone.BAD)]
    return lines + [
        Line(f"            {kind}: {said}", Tone.QUIET) for kind, said in measured.examples.items() if said
    ]


def client_line(client: Client) -> Line:
    """Return whether the figures are the server's or the client's."""
    if client.is_bound:
        said = "; ".join(client.reasons)
        advice = "take a lower rate, more --processes, or a client with idle cores"
        return Line(f"client      NOT TRUSTED: {said}; the figures are the client's: {advice}", Tone.BAD)
    lags = [_lag("send lag", client.lag)] + ([_lag("loop lag", client.loop_lag)] if client.loop_lag else [])
    witness = (
        ""
        if client.server_itl_ms is None
        else f", the server's own ITL {milliseconds(client.server_itl_ms)} ms"
    )
    text = f"client      {', '.join(lags)}, cpu {percent(client.cpu)}{witness}"
    return Line(f"{text}: figures are the server's, not ours")


def _lag(what: str, lag: Latency) -> str:
    """Return a lag by the highest figure that the sample bears."""
    known = (("p99", lag.p99), ("p90", lag.p90), ("mean", lag.mean or 0.0))
    name, figure = next((name, figure) for name, figure in known if figure is not None)
    return f"{what} {name} {milliseconds(figure)} ms"


def _small_print(measured: Measured) -> list[Line]:
    lines = []
    if measured.estimated:
        text = (
            f"tokens      estimated from chunks in {measured.estimated:,} requests: the server sends no usage"
        )
        lines.append(Line(text, Tone.NOTICE))
    lines += [Line(f"{shown:<11} {measured.definitions[name]}", Tone.QUIET) for name, shown in _SHOWN.items()]
    if any(figures.p99 is None for figures in measured.latencies.values()):
        lines.append(Line(f"{'n/a':<11} {measured.definitions['percentiles']}", Tone.QUIET))
    lines.append(Line(f"{'load':<11} model {measured.model}, seed {measured.seed}", Tone.QUIET))
    return lines


def body_of_many(measured: Sequence[Measured]) -> list[Line | Table]:
    """Return a row per host, the slowest first where they are folded, and the fleet as the last row."""
    if not measured:
        return []
    shown = list(measured)
    if len(shown) > _ROWS:
        shown = sorted(shown, key=lambda host: host.latencies["tpot_ms"].p50 or 0.0, reverse=True)[:_ROWS]
    columns = ["ms", ">TTFT p50", ">p99", ">TPOT p50", ">p99", ">req/s", ">tok/s", ">ok"]
    has_slo = any(host.slo_limits for host in measured)
    rows = [_row(host, has_slo=has_slo) for host in shown]
    if len(measured) > len(shown):
        rows.append([f"{len(measured) - len(shown)} faster ones", *[""] * (len(rows[0]) - 1)])
    table = Table(
        [*columns, ">goodput"] if has_slo else columns, [*rows, _fleet_row(measured, has_slo=has_slo)]
    )
    bound = [host for host in measured if host.client.is_bound]
    told = [Line(f"{host.where}  {client_line(host.client).text}", Tone.BAD) for host in bound[:_BOUND_SHOWN]]
    if len(bound) > len(told):
        told.append(Line(f"{len(bound) - len(told)} more clients are NOT TRUSTED: -o json has why", Tone.BAD))
    return [table, *told]


def _row(host: Measured, *, has_slo: bool) -> list[str]:
    ttft, tpot = host.latencies["ttft_ms"], host.latencies["tpot_ms"]
    good = goodput(host)
    row = [
        host.where,
        milliseconds(ttft.p50),
        milliseconds(ttft.p99),
        milliseconds(tpot.p50),
        milliseconds(tpot.p99),
        rate(host.requests_per_s),
        rate(host.output_tokens_per_s),
        f"{host.ok:,}/{host.sent:,}",
    ]
    return [*row, percent(good.share) if good else ""] if has_slo else row


def _fleet_row(measured: Sequence[Measured], *, has_slo: bool) -> list[str]:
    fleet = fleet_figures(measured)
    row = [
        f"fleet ({fleet.hosts})",
        milliseconds(fleet.ttft_p50_ms),
        milliseconds(fleet.ttft_p99_ms),
        milliseconds(fleet.tpot_p50_ms),
        milliseconds(fleet.tpot_p99_ms),
        rate(fleet.requests_per_s),
        rate(fleet.output_tokens_per_s),
        f"{fleet.ok:,}/{fleet.sent:,}",
    ]
    return [*row, percent(fleet.goodput) if fleet.goodput is not None else ""] if has_slo else row
