"""Results of vLLM's `bench serve` and of guidellm, read in our own words; what has no counterpart is said. Pure.

vLLM at 009e6d4 (vllm/benchmarks/serve.py), guidellm at 06cef29 (benchmark/schemas): words mean other things there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgectl.remote.bench.percentiles import is_known

_PERCENTS = {"p50": 50, "p90": 90, "p99": 99}


@dataclass(frozen=True, slots=True)
class Imported:
    """One measurement by another tool; `figures` by our keys, `notes` on what each is and what is missing."""

    tool: str
    model: str
    figures: Mapping[str, float]
    notes: Sequence[str]


def is_vllm(document: Any) -> bool:
    """Tell whether this is what `vllm bench serve --save-result` writes."""
    return isinstance(document, dict) and "request_throughput" in document and "completed" in document


def is_guidellm(document: Any) -> bool:
    """Tell whether this is a report of guidellm's, which may hold several benchmarks."""
    benchmarks = document.get("benchmarks") if isinstance(document, dict) else None
    return isinstance(benchmarks, list) and bool(benchmarks) and "metrics" in benchmarks[0]


_VLLM = {"ttft": "ttft_ms", "tpot": "tpot_ms", "itl": "icl_ms", "e2el": "e2e_ms"}
_VLLM_STATISTICS = {"mean": "mean", "median": "p50", "p50": "p50", "p90": "p90", "p99": "p99"}
_VLLM_NOTES = (
    "vLLM's TTFT ends with the first chunk, with content or not: before ours where the role has a chunk of its own",
    "vLLM's TPOT is (e2e - its own TTFT) / (tokens - 1): higher than ours by as much as its TTFT is early",
    "vLLM's ITL is between chunks, which is our ICL; per token it tells none",
    "vLLM's latencies begin when a request is sent: waiting for --max-concurrency is not in them",
)


def from_vllm(document: Mapping[str, Any]) -> Imported:
    """Return one result of vLLM's."""
    count = int(document["completed"])
    figures = {
        f"{ours}.{statistic}": float(document[f"{word}_{theirs}_ms"])
        for theirs, ours in _VLLM.items()
        for word, statistic in _VLLM_STATISTICS.items()
        if document.get(f"{word}_{theirs}_ms") is not None and _is_borne(statistic, count)
    }
    failed = float(document.get("failed") or 0)
    figures |= {
        "requests_per_s": float(document["request_throughput"]),
        "output_tokens_per_s": float(document["output_throughput"]),
        "failed": failed,
        "sent": count + failed,
    }
    if document.get("request_goodput") is not None:
        figures["goodput"] = float(document["request_goodput"])
    return Imported("vLLM", str(document.get("model_id", "")), figures, [*_VLLM_NOTES, *_missing(figures)])


_GUIDELLM_NOTES = (
    "guidellm's inter-token latency is our TPOT, but an answer weighs as much as it has tokens",
    "guidellm's own TPOT has the TTFT in it and is left out",
    "guidellm's request latency ends with the request and not with the last token",
)


def from_guidellm(benchmark: Mapping[str, Any]) -> Imported:
    """Return one benchmark of a report of guidellm's."""
    metrics = benchmark["metrics"]
    notes = list(_GUIDELLM_NOTES)
    first = "time_to_first_output_token_ms"
    if not _successful(metrics, first):
        first = "time_to_first_token_ms"
        notes.append("guidellm's TTFT ends with the first token of any kind, reasoning included")
    sources = (
        (first, "ttft_ms", 1.0),
        ("inter_token_latency_ms", "tpot_ms", 1.0),
        ("request_latency", "e2e_ms", 1000.0),
    )
    figures = {
        f"{ours}.{statistic}": value * scale
        for theirs, ours, scale in sources
        for statistic, value in _statistics(_successful(metrics, theirs)).items()
    }
    totals = metrics.get("request_totals") or {}
    figures |= {
        "requests_per_s": float(_successful(metrics, "requests_per_second")["mean"]),
        "output_tokens_per_s": float(_successful(metrics, "output_tokens_per_second")["mean"]),
        "failed": float(totals.get("errored") or 0),
        "sent": float((totals.get("successful") or 0) + (totals.get("errored") or 0)),
    }
    return Imported("guidellm", _guidellm_model(benchmark), figures, [*notes, *_missing(figures)])


def _successful(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return (metrics.get(name) or {}).get("successful") or {}


def _statistics(summary: Mapping[str, Any]) -> dict[str, float]:
    count = int(summary.get("count") or 0)
    percentiles = summary.get("percentiles") or {}
    found = {
        "mean": summary.get("mean"),
        "p50": summary.get("median"),
        "p90": percentiles.get("p90"),
        "p99": percentiles.get("p99"),
    }
    return {
        name: float(value) for name, value in found.items() if value is not None and _is_borne(name, count)
    }


def _guidellm_model(benchmark: Mapping[str, Any]) -> str:
    backend = (benchmark.get("config") or {}).get("backend") or benchmark.get("worker") or {}
    return str(backend.get("model") or backend.get("backend_model") or "")


def _is_borne(statistic: str, count: int) -> bool:
    """Tell whether so many values bear a statistic, by the rule of our own figures."""
    return count > 0 if statistic == "mean" else is_known(_PERCENTS[statistic], count)


def _missing(figures: Mapping[str, float]) -> list[str]:
    """Return what a reader would look for and not find."""
    wanted = {"ttft_ms": "TTFT", "tpot_ms": "TPOT", "icl_ms": "ICL", "itl_ms": "ITL", "e2e_ms": "E2E"}
    absent = [shown for name, shown in wanted.items() if not any(key.startswith(name) for key in figures)]
    return [f"not in it: {', '.join(absent)}"] if absent else []
