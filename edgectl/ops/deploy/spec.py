"""A service's specification: which model, which engine, where, how carefully. Strict, since people write it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StrictStr, field_validator, model_validator

from edgectl.complaints import validate
from edgectl.errors import InputError, Problem
from edgectl.ops.deploy.contradictions import contradictions
from edgectl.ops.deploy.safety import unsafe
from edgectl.ops.deploy.spec_care import Gates, Place, Secret, Strategy, Weights, as_place
from edgectl.ops.deploy.spec_engine import Engine, Gpus, Serve
from edgectl.ops.deploy.spec_logins import Login, misplaced
from edgectl.ops.deploy.spec_sources import Model
from edgectl.ops.deploy.spec_words import Strict
from edgectl.playbook.schema import RolloutSchema
from edgectl.yaml_source import load

_NAME = re.compile(r"^[a-z][a-z0-9-]{0,40}$")
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"


class ServiceSpec(Strict):
    """`inventory/services/NAME.yaml`. `secrets` become variables of the engine's environment.

    `logins` say by the beginning of a source's or an image's name how its server is asked.
    """

    name: StrictStr
    model: Model
    engine: Engine
    place: Annotated[Place, BeforeValidator(as_place)]
    gpus: Gpus = Gpus()
    serve: Serve = Serve()
    strategy: Strategy = Strategy()
    gates: Gates = Gates()
    weights: Weights = Weights()
    rollout: RolloutSchema = RolloutSchema(canary=1)
    secrets: dict[Annotated[str, Field(pattern=_VARIABLE)], Secret] = Field(default_factory=dict)
    logins: dict[StrictStr, Login] = Field(default_factory=dict)
    keep: Annotated[int, Field(ge=1, le=20)] = 2

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not _NAME.match(value):
            raise ValueError(f"a service's name is small letters, digits and '-', not '{value}'")
        return value

    @field_validator("logins")
    @classmethod
    def _at_their_places(cls, value: dict[str, Login]) -> dict[str, Login]:
        wrong = next((said for name, login in value.items() if (said := misplaced(name, login))), "")
        if wrong:
            raise ValueError(wrong)
        return value

    @model_validator(mode="after")
    def _one_place_for_each_value(self) -> Self:
        twice = self.secrets.keys() & self.engine.environment.keys()
        if twice:
            raise ValueError(f"'{min(twice)}' stands under 'secrets' and under 'engine.environment'")
        return self

    @property
    def is_pinned(self) -> bool:
        """Tell whether the spec names every byte that runs by its digest, so that it needs no lock."""
        return self.engine.is_pinned and all(
            contents.is_pinned for contents in (self.model, *self.model.lora)
        )


def load_spec(path: Path) -> ServiceSpec:
    """Read a specification, or raise `InputError` with every complaint and its place, an unsafe one's too."""
    document = load(path)
    spec = validate(ServiceSpec, document)
    complaints = [
        *unsafe(spec.engine, spec.serve, spec.secrets),
        *contradictions(spec.model, spec.engine, spec.gpus, spec.serve),
    ]
    problems = [Problem(said, document.place(steps)) for steps, said in complaints]
    if problems:
        raise InputError(problems)
    return spec
