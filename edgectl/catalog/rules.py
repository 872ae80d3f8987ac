"""What health judges: rules in words and numbers, each with its source, from `rules.yaml`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgectl.catalog.rules_model import Component, Rule, Rules, Severity
from edgectl.complaints import validate
from edgectl.yaml_source import load


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
