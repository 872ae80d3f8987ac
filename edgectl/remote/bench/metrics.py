"""What each figure means, said once, and the arithmetic that makes it so."""

from __future__ import annotations

from statistics import fmean
from typing import Any, Callable, NamedTuple, Sequence

from edgectl.remote.bench.percentiles import histogram, summary
from edgectl.remote.bench.request import Record

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
    "duration_s": "from when the first request was due to the end of the last one",
    "tokens": "the server's own count (usage); where it sends none, chunks are counted and marked estimated",
    "percentiles": "linear between ranks; null below 2 values for p50, 10 for p90, 100 for p99",
    "slo": "a good request meets every limit; ttft and e2e count from when it was due",
    "send_lag_ms": "from when a request was due to when the client began it",
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


def throughput(records: Sequence[Record], good: Sequence[Record], *, is_open: bool) -> dict[str, Any]:
    """Return requests and tokens per second over the whole measurement."""
    if not records:
        return {"duration_s": 0.0, "requests_per_s": 0.0, "output_tokens_per_s": 0.0, "offered_per_s": None}
    due = [record.scheduled_ns for record in records]
    seconds = max((max(record.ended_ns for record in records) - min(due)) / _NS, 1e-9)
    span_s = (max(due) - min(due)) / _NS
    offered = (len(due) - 1) / span_s if is_open and span_s else None
    return {
        "duration_s": round(seconds, 3),
        "requests_per_s": round(len(good) / seconds, 3),
        "output_tokens_per_s": round(sum(map(output_tokens, good)) / seconds, 3),
        "offered_per_s": None if offered is None else round(offered, 3),
    }


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


def slo(records: Sequence[Record], limits: dict[str, float]) -> dict[str, Any]:
    """Return how many requests met every limit; one that failed met none."""
    met = sum(_meets(record, limits) for record in records)
    return {"limits": limits, "met": met, "of": len(records)}


def _meets(record: Record, limits: dict[str, float]) -> bool:
    """Compare the request's own figures, means where it has several; without content there is no ttft."""
    if record.error or ("ttft_ms" in limits and record.first_content_ns is None):
        return False
    figures = {name: _BY_NAME[_AS_A_USER.get(name, name)].values(record) for name in limits}
    return all(fmean(values) <= limits[name] for name, values in figures.items() if values)
