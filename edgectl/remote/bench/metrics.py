"""What each figure means, said once, and the arithmetic that makes it so."""

from __future__ import annotations

from statistics import fmean
from typing import Any, Callable, NamedTuple, Sequence

from edgectl.remote.bench.load import Load
from edgectl.remote.bench.percentiles import histogram, summary
from edgectl.remote.bench.request import Record
from edgectl.remote.bench.workers import Measured

_NS_PER_MS = 1_000_000
_NS = 1_000_000_000

Values = Callable[[Record], "list[float]"]


class Metric(NamedTuple):
    """A latency in ms: its name in the report, what it means, and its values of one good request."""

    name: str
    definition: str
    values: Values


def _ttft_ms(record: Record) -> list[float]:
    return _span_ms(record.sent_ns, record.first_content_ns)


def _ttft_scheduled_ms(record: Record) -> list[float]:
    return _span_ms(record.scheduled_ns, record.first_content_ns)


def _ttft_any_ms(record: Record) -> list[float]:
    return _span_ms(record.sent_ns, record.first_text_ns)


def _icl_ms(record: Record) -> list[float]:
    moments = record.chunks_ns
    return [(later - earlier) / _NS_PER_MS for earlier, later in zip(moments, moments[1:])]


def _itl_ms(record: Record) -> list[float]:
    tokens_per_chunk = output_tokens(record) / len(record.chunks_ns)
    return [gap / tokens_per_chunk for gap in _icl_ms(record)]


def _tpot_ms(record: Record) -> list[float]:
    tokens = output_tokens(record)
    if tokens < 2:  # noqa: PLR2004 - the first token has no token before it
        return []
    return [(record.chunks_ns[-1] - record.chunks_ns[0]) / _NS_PER_MS / (tokens - 1)]


def _e2e_ms(record: Record) -> list[float]:
    return _span_ms(record.sent_ns, record.chunks_ns[-1])


def _e2e_scheduled_ms(record: Record) -> list[float]:
    return _span_ms(record.scheduled_ns, record.chunks_ns[-1])


def _connect_ms(record: Record) -> list[float]:
    return [record.connect_ns / _NS_PER_MS] if record.connect_ns else []


def _span_ms(start_ns: int, end_ns: int | None) -> list[float]:
    return [] if end_ns is None else [(end_ns - start_ns) / _NS_PER_MS]


METRICS = (
    Metric("ttft_ms", "time to first token: from sending to the first chunk with content", _ttft_ms),
    Metric(
        "ttft_scheduled_ms",
        "time to first token as a user has it: from when the request was due",
        _ttft_scheduled_ms,
    ),
    Metric(
        "ttft_any_ms",
        "time to first text: from sending to the first chunk with content or reasoning",
        _ttft_any_ms,
    ),
    Metric("icl_ms", "inter-chunk latency: between chunks with text, pooled over requests", _icl_ms),
    Metric(
        "itl_ms",
        "inter-token latency: each inter-chunk latency divided by the request's mean tokens per chunk",
        _itl_ms,
    ),
    Metric("tpot_ms", "time per output token: (e2e - ttft) / (tokens - 1), per request", _tpot_ms),
    Metric("e2e_ms", "end to end: from sending to the last chunk with text", _e2e_ms),
    Metric("e2e_scheduled_ms", "end to end as a user has it: from when it was due", _e2e_scheduled_ms),
    Metric("connect_ms", "making a connection, for the requests that had to make one", _connect_ms),
)
_BY_NAME = {metric.name: metric for metric in METRICS}
DEFINITIONS = {
    **{metric.name: metric.definition for metric in METRICS},
    "requests_per_s": "good requests / duration_s",
    "output_tokens_per_s": "output tokens of good requests / duration_s",
    "offered_per_s": "requests due / the time over which they were due; null in a closed loop",
    "duration_s": "from when the first request was due to the end of the last one; with a ramp or a cool-down only "
    "what lies between them counts: requests that ended there, and tokens that arrived there",
    "tokens": "the server's own count (usage); where it sends none, chunks are counted and marked estimated",
    "percentiles": "linear between ranks; null below 5 values for p50, 29 for p90, 299 for p99, where no "
    "sample bounds them with 95 % confidence",
    "slo": "a good request meets every limit; ttft and e2e count from when it was due",
    "send_lag_ms": "from when a request was due to when the client began it, less its wait for max_in_flight",
    "loop_lag_ms": "how late the client's loop came to moments drawn at random: what a chunk may have waited",
    "client_waits": "the share of the time in which a client process was ready and had no core",
    "server": "decode seconds from the server's /metrics and from our stamps, both per token after the first",
    "energy_j": "power of all GPUs of the host over the window, by trapezoids; null with a gap over 3 s",
    "joules_per_token": "energy_j / output tokens of the same window, those included that are not counted elsewhere",
    "client_cpu": "the busiest client process, as a share of one core",
}
# A limit on these is a limit on what a user has, which begins when the request is due.
_AS_A_USER = {"ttft_ms": "ttft_scheduled_ms", "e2e_ms": "e2e_scheduled_ms"}


def output_tokens(record: Record) -> int:
    """Return the tokens of a good request: the server's count, else one for each chunk."""
    return record.output_tokens or len(record.chunks_ns)


def latencies(good: Sequence[Record]) -> dict[str, Any]:
    """Return the summary of every metric, and the histograms of those that are drawn."""
    samples = {
        metric.name: [value for record in good for value in metric.values(record)] for metric in METRICS
    }
    drawn = ("ttft_ms", "tpot_ms", "itl_ms", "e2e_ms")
    return {
        **{name: summary(values) for name, values in samples.items()},
        "histograms": {name: histogram(samples[name]) for name in drawn},
    }


def requests(records: Sequence[Record]) -> dict[str, Any]:
    """Return how many requests were sent, were good, and failed in which way."""
    kinds = sorted({record.error for record in records if record.error})
    errors = {kind: sum(record.error == kind for record in records) for kind in kinds}
    examples = {kind: next(r.detail for r in records if r.error == kind) for kind in kinds}
    good = sum(not record.error for record in records)
    return {"sent": len(records), "ok": good, "errors": errors, "examples": examples}


def throughput(seen: Measured, load: Load) -> dict[str, Any]:
    """Return requests and tokens per second over the whole measurement."""
    span = _span_of(seen, load)
    seconds = max(span.seconds, 1e-9)
    offered = _offered(seen) if load.is_open else None
    return {
        "duration_s": round(span.seconds, 3),
        "requests_per_s": round(span.requests / seconds, 3),
        "output_tokens_per_s": round(span.tokens / seconds, 3),
        "offered_per_s": None if offered is None else round(offered, 3),
    }


class _Span(NamedTuple):
    seconds: float
    requests: int
    tokens: float


def _span_of(seen: Measured, load: Load) -> _Span:
    records = [*seen.records, *seen.discarded]
    if not records:
        return _Span(0.0, 0, 0)
    good = [record for record in records if not record.error]
    if seen.discarded and load.duration_s is not None:
        begin_ns = seen.start_ns + round(load.ramp_s * _NS)
        end_ns = begin_ns + round(load.duration_s * _NS)
        ended = sum(begin_ns <= record.ended_ns < end_ns for record in good)
        return _Span(load.duration_s, ended, sum(_tokens_within(record, begin_ns, end_ns) for record in good))
    ns = max(record.ended_ns for record in records) - min(record.scheduled_ns for record in records)
    return _Span(ns / _NS, len(good), sum(map(output_tokens, good)))


def _tokens_within(record: Record, begin_ns: int, end_ns: int) -> float:
    """Return the tokens of the chunks that arrived between two moments."""
    inside = sum(begin_ns <= moment < end_ns for moment in record.chunks_ns)
    return output_tokens(record) * inside / len(record.chunks_ns)


def _offered(seen: Measured) -> float | None:
    due = [record.scheduled_ns for record in seen.records if record.turn == 0]
    span_s = (max(due) - min(due)) / _NS if due else 0
    return (len(due) - 1) / span_s if span_s else None


def tokens(good: Sequence[Record]) -> dict[str, Any]:
    """Return the realised lengths; `estimated` counts the requests whose tokens the server did not tell."""
    return {
        "output": summary([float(output_tokens(record)) for record in good]),
        "prompt": summary([float(r.prompt_tokens) for r in good if r.prompt_tokens is not None]),
        "estimated": sum(record.output_tokens is None for record in good),
    }


def engine(good: Sequence[Record]) -> dict[str, Any]:
    """Return the engine's own account of the same requests, where it gives one (llama.cpp's `timings`)."""
    return {
        "ttft_ms": summary([r.engine_ttft_ms for r in good if r.engine_ttft_ms is not None]),
        "tpot_ms": summary([r.engine_tpot_ms for r in good if r.engine_tpot_ms is not None]),
    }


def slo(records: Sequence[Record], limits: dict[str, float], seconds: float) -> dict[str, Any]:
    """Return how many requests met every limit, and what they were per second; one that failed met none."""
    met = [record for record in records if _meets(record, limits)]
    per_s = 1 / seconds if seconds else 0.0
    return {
        "limits": limits,
        "met": len(met),
        "of": len(records),
        "requests_per_s": round(len(met) * per_s, 3),
        "output_tokens_per_s": round(sum(map(output_tokens, met)) * per_s, 3),
    }


def _meets(record: Record, limits: dict[str, float]) -> bool:
    """Compare the request's own figures, means where it has several; without content there is no ttft."""
    if record.error or ("ttft_ms" in limits and record.first_content_ns is None):
        return False
    figures = {name: _BY_NAME[_AS_A_USER.get(name, name)].values(record) for name in limits}
    return all(fmean(values) <= limits[name] for name, values in figures.items() if values)
