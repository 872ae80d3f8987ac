"""Loads with a name: the same everywhere, so that measurements of many nodes can be compared. Pure."""

from __future__ import annotations

from dataclasses import replace

from edgectl.errors import UsageError
from edgectl.ops.bench.workload import Workload

_PLAIN = Workload()
# Half a minute, four at once: enough to feel memory bandwidth and clocks, short enough for every node every night.
_QUICK = Workload(concurrency=4, duration_s=30.0, prompt_tokens=256, output_tokens=64)


def quick(asked: Workload) -> Workload:
    """Return the quick load with what else was asked for. Raises `UsageError` where that would change the load.

    A duration may be given; measurements of another duration are another load.
    """
    own = ("rate", "concurrency", "requests", "prompt_tokens", "output_tokens")
    given = [name for name in own if getattr(asked, name) != getattr(_PLAIN, name)]
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"--profile quick has a load of its own; leave {options} out")
    return replace(
        asked,
        concurrency=_QUICK.concurrency,
        duration_s=asked.duration_s or _QUICK.duration_s,
        prompt_tokens=_QUICK.prompt_tokens,
        output_tokens=_QUICK.output_tokens,
    )
