"""The shape of a rule, apart from its reader: `--help` needs the severities and no YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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

    `thresholds` are in the units of their `quantities`. `events` are the kinds of lines in the kernel log that
    break the rule by being there. `peers` says what other tools make of the same thing. `slowdown_margin_c` is by
    product, as NVML names it, and used where the GPU itself says nothing.
    """

    id: str
    component: Component
    sentences: Mapping[Severity, str]
    why: str
    action: str
    clears: str
    source: str
    thresholds: Mapping[str, float] = field(default_factory=dict)
    quantities: Mapping[str, str] = field(default_factory=dict)
    slowdown_margin_c: Mapping[str, float] = field(default_factory=dict)
    events: Sequence[str] = ()
    peers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules by id, in the order in which they are told.

    `actions` says what to do about an Xid by its word. `causes` has, by a finding's id, the findings of the same
    GPU that it only comes with.
    """

    by_id: Mapping[str, Rule]
    actions: Mapping[str, str]
    causes: Mapping[str, Sequence[str]] = field(default_factory=dict)
