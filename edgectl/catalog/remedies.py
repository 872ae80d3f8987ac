"""Which rung of the ladder each finding asks for, from `remedies.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from edgectl.complaints import validate
from edgectl.yaml_source import load

_BY_HAND = "by-hand"


class Rung(IntEnum):
    """What is done about a node, in the order in which it is tried."""

    RESTART_SERVICE = 1
    RESET_GPU = 2
    REBOOT = 3
    POWER_CYCLE = 4
    REPLACE = 5

    @property
    def word(self) -> str:
        """Return the rung as people and playbooks name it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Remedies:
    """By rule id, by the driver's recovery action and by an Xid's action word; None is for a person to decide."""

    sentences: Mapping[Rung, str]
    tries: Mapping[Rung, int]
    memory_days: float
    kin: Mapping[str, frozenset[str]]  # by finding: under which others the same fault shows itself
    findings: Mapping[str, Rung | None]
    recovery_actions: Mapping[str, Rung | None]
    xid_actions: Mapping[str, Rung | None]


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    rungs: dict[str, str]
    tries: dict[str, int]
    memory_days: float = Field(gt=0, le=365)
    kin: list[list[str]]
    findings: dict[str, str]
    recovery_actions: dict[str, str]
    xid_actions: dict[str, str]


def load_remedies(path: Path | None = None) -> Remedies:
    """Return the remedies of `path`, by default those that come with edgectl. `KeyError` for a rung there is not."""
    document = load(path or Path(str(resources.files("edgectl.catalog").joinpath("remedies.yaml"))))
    file = validate(_File, document)
    return Remedies(
        sentences={_BY_WORD[word]: said for word, said in file.rungs.items()},
        tries={_BY_WORD[word]: tries for word, tries in file.tries.items()},
        memory_days=file.memory_days,
        kin={name: frozenset(names) for names in file.kin for name in names},
        findings=_rungs(file.findings),
        recovery_actions=_rungs(file.recovery_actions),
        xid_actions=_rungs(file.xid_actions),
    )


_BY_WORD = {rung.word: rung for rung in Rung}


def rung_of(word: str) -> Rung | None:
    """Return the rung called `word`, or None where it is for a person to decide."""
    return None if word == _BY_HAND else _BY_WORD[word]


def _rungs(words: Mapping[str, str]) -> dict[str, Rung | None]:
    return {name: rung_of(word) for name, word in words.items()}
