"""What load to make: the arguments of one measurement, checked together."""

from __future__ import annotations

import math
import os
from typing import Literal

from edgectl.remote.args import arg
from edgectl.remote.bench.target import target_of
from edgectl.remote.frozen import dataclass

# Beyond this the fixed costs of a measurement (starting workers, parsing) are certainly covered.
_MARGIN_S = 60.0
# What a limit may be set for.
SLO_METRICS = ("ttft_ms", "tpot_ms", "itl_ms", "icl_ms", "e2e_ms")
# A worker process has one interpreter lock; more processes than this serve no engine of one node.
_MOST_PROCESSES = 4
_CORES_PER_PROCESS = 4


@dataclass(frozen=True)
class Load:
    """Open loop with `rate`, closed loop with `concurrency`; bounded by `requests` or `duration_s`."""

    url: str = arg(doc="Base URL of the server, such as http://127.0.0.1:8000.")
    model: str | None = arg(None, doc="Name of the model; the first of /v1/models where none is given.")
    rate: float | None = arg(None, doc="Requests per second, sent whether or not earlier ones have ended.")
    concurrency: int | None = arg(None, doc="Requests in flight, each followed at once by the next.")
    requests: int | None = arg(None, doc="How many requests to measure.")
    duration_s: float | None = arg(None, doc="For how many seconds to start requests.")
    prompt_tokens: int = arg(512, doc="Length of each prompt, about, in tokens.")
    output_tokens: int = arg(128, doc="Tokens to ask for; the end of sequence is ignored.")
    arrivals: Literal["constant", "poisson", "gamma"] = arg("poisson", doc="How requests of a rate arrive.")
    burstiness: float = arg(0.5, doc="Shape of gamma arrivals: 1 is Poisson, less is burstier.")
    seed: int = arg(0, doc="Decides arrivals and prompts; the same seed gives the same load.")
    slo: dict | None = arg(None, doc="Limits that a good request meets, by metric: {ttft_ms: 300}.")  # type: ignore[type-arg]
    api_key: str | None = arg(None, doc="Sent as a bearer token.")
    warmup_requests: int = arg(2, doc="Requests sent before, and not counted.")
    timeout_s: float = arg(120.0, doc="A request that takes longer has failed.")
    processes: int | None = arg(None, doc="Worker processes; one for every four cores, at most four.")
    calibrate: bool = arg(True, doc="Ask twice before, to learn how many words make a token.")

    def __post_init__(self) -> None:
        """Refuse what cannot be meant together."""
        target_of(self.url)
        if (self.rate is None) == (self.concurrency is None):
            raise ValueError("give either 'rate' or 'concurrency'")
        if (self.requests is None) == (self.duration_s is None):
            raise ValueError("give either 'requests' or 'duration_s'")
        for name in ("rate", "concurrency", "requests", "duration_s", "timeout_s", "burstiness"):
            value = getattr(self, name)
            if value is not None and not (0 < value < math.inf):
                raise ValueError(f"'{name}' must be more than 0, not {value:g}")
        for name in ("prompt_tokens", "output_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"'{name}' must be at least 1")
        unknown = sorted(set(self.slo or {}) - set(SLO_METRICS))
        if unknown:
            raise ValueError(f"'slo' has limits for {', '.join(SLO_METRICS)}, not for {', '.join(unknown)}")
        if self.warmup_requests < 0:
            raise ValueError("'warmup_requests' cannot be negative")

    @property
    def worker_count(self) -> int:
        """Return how many processes make the load; no more than there are streams to share out."""
        cores = os.cpu_count() or 1
        wanted = self.processes or min(_MOST_PROCESSES, max(1, cores // _CORES_PER_PROCESS))
        return max(1, min(wanted, self.concurrency or wanted, self.requests or wanted))

    @property
    def limit_s(self) -> float:
        """Return how long the measured part may take before something is wrong."""
        if self.duration_s is not None:
            return self.duration_s + self.timeout_s + _MARGIN_S
        requests = self.requests or 1
        if self.rate is not None:
            # Random arrivals may take longer than their mean; twice is never reached by more than a few.
            return 2 * requests / self.rate + self.timeout_s + _MARGIN_S
        rounds = math.ceil(requests / (self.concurrency or 1))
        return rounds * self.timeout_s + _MARGIN_S
