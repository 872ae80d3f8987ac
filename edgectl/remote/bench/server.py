"""The server's own account of the measured window: what its `/metrics` counted between two looks."""

from __future__ import annotations

import re
from typing import Any, Dict, NamedTuple, Sequence

from edgectl.remote.bench.failure import RequestFailed
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.once import exchange
from edgectl.remote.bench.request import Record, head
from edgectl.remote.bench.target import target_of

_LIMIT_S = 5.0
_LINE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{[^}]*\})?\s+([0-9.eE+-]+)", re.MULTILINE)
# Names change between versions: the first that is there counts. Each is (sum of seconds, count).
_DECODE = (
    ("vllm:inter_token_latency_seconds_sum", "vllm:inter_token_latency_seconds_count"),
    ("vllm:time_per_output_token_seconds_sum", "vllm:time_per_output_token_seconds_count"),
    ("sglang:inter_token_latency_seconds_sum", "sglang:inter_token_latency_seconds_count"),
    ("llamacpp:tokens_predicted_seconds_total", "llamacpp:tokens_predicted_total"),
)
_FIRST = (
    ("vllm:time_to_first_token_seconds_sum", "vllm:time_to_first_token_seconds_count"),
    ("sglang:time_to_first_token_seconds_sum", "sglang:time_to_first_token_seconds_count"),
)
_TOKENS = (
    "vllm:generation_tokens_total",
    "sglang:generation_tokens_total",
    "llamacpp:tokens_predicted_total",
)

# A hundredth of other tokens moves no mean by more than the limit of a twentieth.
_OTHERS = 0.01

Counters = Dict[str, float]


class Window(NamedTuple):
    """What both sides saw of the same requests, in ms per token after the first; None where one cannot say."""

    server_itl_ms: float | None
    client_itl_ms: float | None
    server_ttft_ms: float | None
    is_shared: bool

    @property
    def departure(self) -> float | None:
        """Return by how much ours is away from the server's, as a share of the server's."""
        if not self.server_itl_ms or self.client_itl_ms is None or self.is_shared:
            return None
        return self.client_itl_ms / self.server_itl_ms - 1


def counters(load: Load) -> Counters | None:
    """Return the server's counters, summed over their labels; None where it has none to show."""
    target = target_of(load.url)
    try:
        answer = exchange(target, head(target, load, "GET", target.metrics_path, {}), _LIMIT_S)
    except RequestFailed:
        return None
    return parsed(answer.body.decode("utf-8", "replace"))


def parsed(text: str) -> Counters:
    """Return the counters in Prometheus' text format, summed over their labels."""
    found: dict[str, float] = {}
    for name, value in _LINE.findall(text):
        found[name] = found.get(name, 0.0) + float(value)
    return found


def window(before: Counters | None, after: Counters | None, records: Sequence[Record]) -> Window | None:
    """Compare; `is_shared` where the server counted other tokens than ours, so that nothing can be compared.

    Seconds of decoding are summed on both sides, and divided by our number of tokens after the first: so it does
    not matter whether an engine counts tokens or steps.
    """
    if before is None or after is None:
        return None
    grown = {name: value - before.get(name, 0.0) for name, value in after.items()}
    good = [record for record in records if not record.error]
    tokens = sum(record.output_tokens or len(record.chunks_ns) for record in good)
    gaps = tokens - len(good)
    decode_s = next((grown[name] for name, _ in _DECODE if name in grown), None)
    served = next((grown[name] for name in _TOKENS if name in grown), None)
    firsts = next(((grown[total], grown[count]) for total, count in _FIRST if total in grown), None)
    if decode_s is None or gaps < 1:
        return None
    ours_ns = sum(record.chunks_ns[-1] - record.chunks_ns[0] for record in good)
    return Window(
        server_itl_ms=decode_s * 1e3 / gaps,
        client_itl_ms=ours_ns / 1e6 / gaps,
        server_ttft_ms=firsts[0] * 1e3 / firsts[1] if firsts and firsts[1] else None,
        is_shared=len(good) < len(records) or served is None or abs(served - tokens) > _OTHERS * tokens,
    )


def told(seen: Window | None) -> dict[str, Any] | None:
    """Return what the report says of it."""
    if seen is None:
        return None
    departure = seen.departure
    return {
        "itl_ms": _rounded(seen.server_itl_ms),
        "client_itl_ms": _rounded(seen.client_itl_ms),
        "ttft_ms": _rounded(seen.server_ttft_ms),
        "departure": None if departure is None else round(departure, 4),
        "other_traffic": seen.is_shared,
    }


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 3)
