"""A load with everything found out that it needs."""

from __future__ import annotations

from typing import NamedTuple

from edgectl.remote.bench.load import Load
from edgectl.remote.bench.prompts import WordCount
from edgectl.remote.bench.target import Target, target_of
from edgectl.remote.bench.workload import Workload


class Plan(NamedTuple):
    """The load, the model to ask for, and how many words make a token."""

    load: Load
    model: str
    words: WordCount

    @property
    def target(self) -> Target:
        """Return where requests go."""
        return target_of(self.load.url)

    @property
    def workload(self) -> Workload:
        """Return what requests say."""
        return Workload(self.load, self.model, self.words)
