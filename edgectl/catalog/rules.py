"""What health judges: rules in words and numbers, each with its source, from `rules.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgectl.catalog.quantities import QUANTITIES, complaint
from edgectl.catalog.rules_model import Component, Rule, Rules, Severity
from edgectl.complaints import did_you_mean, validate
from edgectl.errors import InputError, Problem
from edgectl.yaml_source import Document, load


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
    thresholds: dict[str, dict[str, float]] = Field(default_factory=dict)
    slowdown_margin_c: dict[str, float] = Field(default_factory=dict)
    events: list[str] = Field(default_factory=list)
    peers: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_found(self) -> _Rule:
        if self.critical is None and self.warning is None:
            raise ValueError("a rule says what is 'critical' or a 'warning'")
        return self


class _File(_Written):
    rules: dict[str, _Rule]
    actions: dict[str, str]
    causes: dict[str, list[str]] = Field(default_factory=dict)


def load_rules(path: Path | None = None) -> Rules:
    """Return the rules of `path`, by default those that come with edgectl.

    Raises `InputError` with `file:line:column` for a threshold without a quantity or outside its range.
    """
    document = load(path or Path(str(resources.files("edgectl.catalog").joinpath("rules.yaml"))))
    file = validate(_File, document)
    problems = [problem for name, rule in file.rules.items() for problem in _problems(name, rule, document)]
    if problems:
        raise InputError(problems)
    return Rules({name: _rule(name, rule) for name, rule in file.rules.items()}, file.actions, file.causes)


def _problems(name: str, rule: _Rule, document: Document) -> Iterator[Problem]:
    """Yield what is wrong with a rule's numbers."""
    for threshold, written in rule.thresholds.items():
        said = _threshold_complaint(written)
        if said:
            place = document.place(("rules", name, "thresholds", threshold, *written))
            yield Problem(f"threshold '{threshold}' of '{name}': {said}", place)
    for product, margin_c in rule.slowdown_margin_c.items():
        said = complaint("margin_c", margin_c)
        if said:
            place = document.place(("rules", name, "slowdown_margin_c", product))
            yield Problem(f"margin of '{product}': {said}", place)


def _threshold_complaint(written: Mapping[str, float]) -> str | None:
    if len(written) != 1:
        return "one quantity and its value are wanted, as in {margin_c: 5}"
    ((quantity, value),) = written.items()
    if quantity not in QUANTITIES:
        return f"unknown quantity '{quantity}'{did_you_mean(quantity, QUANTITIES)}"
    return complaint(quantity, value)


def _rule(name: str, written: _Rule) -> Rule:
    thresholds = {threshold: next(iter(said.values())) for threshold, said in written.thresholds.items()}
    said = {Severity.CRITICAL: written.critical, Severity.WARNING: written.warning}
    return Rule(
        id=name,
        component=Component(written.component),
        sentences={level: text.format(**thresholds) for level, text in said.items() if text is not None},
        why=written.why.format(**thresholds),
        action=written.action,
        clears=written.clears,
        source=written.source,
        thresholds=thresholds,
        quantities={threshold: next(iter(said)) for threshold, said in written.thresholds.items()},
        slowdown_margin_c=written.slowdown_margin_c,
        events=tuple(written.events),
        peers=written.peers,
    )
