"""The shape of a rule, apart from its reader: `--help` needs the severities and no YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: critical needs a person or a repair, a warning can wait."""

    WARNING = "warning"
    CRITICAL = "critical"


class Component(StrEnum):
    """What a finding is about."""

    GPU = "gpu"
    DPU = "dpu"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is judged; `sentences` has the severities it can have.

    `slowdown_margin_c` is by product, as NVML names it, and used where the GPU itself says nothing.
    """

    id: str
    component: Component
    sentences: Mapping[Severity, str]
    why: str
    action: str
    clears: str
    source: str
    thresholds: Mapping[str, float]
    slowdown_margin_c: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules by id, in the order in which they are told, and what to do about an Xid by its word."""

    by_id: Mapping[str, Rule]
    actions: Mapping[str, str]
