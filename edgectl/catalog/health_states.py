"""When a finding begins to count and when it is gone, from `health_states.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgectl.complaints import validate
from edgectl.yaml_source import load

# A state remembers as many looks as its row has bits for.
MOST_LOOKS = 32


@dataclass(frozen=True, slots=True)
class Policy:
    """Found at `enter` of the last `of` looks it counts, after `leave` clean ones it is gone."""

    enter: int
    of: int
    leave: int


@dataclass(frozen=True, slots=True)
class StatePolicies:
    """The policy of each finding, when one is flapping, and the rules that only watch."""

    findings: Sequence[tuple[str, Policy]]
    otherwise: Policy
    flapping_times: int
    flapping_leave: int
    shadow: Mapping[str, str]

    def of(self, finding: str) -> Policy:
        """Return the policy of a finding by its name."""
        named = (policy for pattern, policy in self.findings if fnmatchcase(finding, pattern))
        return next(named, self.otherwise)


class _Written(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Kind(_Written):
    enter: int = Field(ge=1)
    of: int = Field(ge=1, le=MOST_LOOKS)
    leave: int = Field(ge=1, le=MOST_LOOKS)

    @model_validator(mode="after")
    def _can_be_entered(self) -> _Kind:
        if self.enter > self.of:
            raise ValueError(f"'enter' ({self.enter}) is more than 'of' ({self.of})")
        return self


class _Flapping(_Written):
    times: int = Field(ge=2, le=MOST_LOOKS // 2)
    leave: int = Field(ge=1, le=MOST_LOOKS)


class _File(_Written):
    kinds: dict[str, _Kind]
    default: str
    findings: dict[str, str]
    flapping: _Flapping
    shadow: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _kinds_exist(self) -> _File:
        unknown = {self.default, *self.findings.values()} - self.kinds.keys()
        if unknown:
            raise ValueError(f"no kind is called '{min(unknown)}'; known: {', '.join(self.kinds)}")
        return self


def load_state_policies(path: Path | None = None) -> StatePolicies:
    """Return the policies of `path`, by default those that come with edgectl."""
    shipped = Path(str(resources.files("edgectl.catalog").joinpath("health_states.yaml")))
    file = validate(_File, load(path or shipped))
    kinds = {name: Policy(kind.enter, kind.of, kind.leave) for name, kind in file.kinds.items()}
    return StatePolicies(
        findings=[(pattern, kinds[kind]) for pattern, kind in file.findings.items()],
        otherwise=kinds[file.default],
        flapping_times=file.flapping.times,
        flapping_leave=file.flapping.leave,
        shadow=file.shadow,
    )
