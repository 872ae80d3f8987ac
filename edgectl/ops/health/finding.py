"""A finding, and how a rule stands where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from edgectl.catalog.rules_model import Component, Rule, Severity


class Standing(IntEnum):
    """How a rule stands at one node; the worst of its GPUs counts. Unjudged is not the same as holding."""

    UNJUDGED = 0
    HOLDS = 1
    WARNING = 2
    CRITICAL = 3


STANDING_OF = {Severity.WARNING: Standing.WARNING, Severity.CRITICAL: Standing.CRITICAL}


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that does not hold: `detail` is for a person, `value` for a program."""

    severity: Severity
    value: Any
    detail: str
    action: str = ""


Judged = Breach | Standing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `label` is the GPU's, '' for the node.

    `because` is the id of the finding that it only comes with, '' for one that stands alone.
    """

    id: str
    severity: Severity
    component: Component
    gpu: str | None
    value: Any
    rule: str
    action: str
    label: str
    detail: str
    because: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the finding as the report has it; one that stands alone has no `because`."""
        said = {
            "id": self.id,
            "severity": self.severity.value,
            "component": self.component.value,
            "gpu": self.gpu,
            "value": self.value,
            "rule": self.rule,
            "action": self.action,
        }
        return {**said, "because": self.because} if self.because else said

    def __str__(self) -> str:
        where = f" GPU {self.label}" if self.label else ""
        return f"{self.id}{where}: {self.detail}" if self.detail else f"{self.id}{where}"


def finding(rule: Rule, breach: Breach, *, gpu: str | None = None, label: str = "") -> Finding:
    """Return a rule's finding; a node rule that was broken by one GPU is about that GPU."""
    return Finding(
        id=rule.id,
        severity=breach.severity,
        component=Component.GPU if label else rule.component,
        gpu=gpu,
        value=breach.value,
        rule=rule.sentences[breach.severity],
        action=breach.action or rule.action,
        label=label,
        detail=breach.detail,
    )
