"""What health judges: rules in words and numbers, each with its source, from `rules.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgectl.complaints import validate
from edgectl.yaml_source import load


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


class _Written(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Rule(_Written):
    component: Literal["gpu", "dpu", "node"]
    critical: str | None = None
    warning: str | None = None
    why: str
    action: str
    clears: str
    source: str
    thresholds: dict[str, float] = Field(default_factory=dict)
    slowdown_margin_c: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_found(self) -> _Rule:
        if self.critical is None and self.warning is None:
            raise ValueError("a rule says what is 'critical' or a 'warning'")
        return self


class _File(_Written):
    rules: dict[str, _Rule]
    actions: dict[str, str]


def load_rules(path: Path | None = None) -> Rules:
    """Return the rules of `path`, by default those that come with edgectl."""
    document = load(path or Path(str(resources.files("edgectl.catalog").joinpath("rules.yaml"))))
    file = validate(_File, document)
    return Rules({name: _rule(name, written) for name, written in file.rules.items()}, file.actions)


def _rule(name: str, written: _Rule) -> Rule:
    said = {Severity.CRITICAL: written.critical, Severity.WARNING: written.warning}
    return Rule(
        id=name,
        component=Component(written.component),
        sentences={
            level: text.format(**written.thresholds) for level, text in said.items() if text is not None
        },
        why=written.why.format(**written.thresholds),
        action=written.action,
        clears=written.clears,
        source=written.source,
        thresholds=written.thresholds,
        slowdown_margin_c=written.slowdown_margin_c,
    )
