"""How carefully a release is put into force: where, in which order, and what must hold on the way."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StrictStr, model_validator

from edgectl.inventory.schema import WindowSpec
from edgectl.ops.deploy.spec_words import BytesPerSecond, Strict
from edgectl.playbook.schema import Seconds, Share


class Scope(StrEnum):
    """What replicas are counted in, spread over, or kept a floor in."""

    FLEET = "fleet"
    REGION = "region"
    METRO = "metro"
    POP = "pop"


class Place(Strict):
    """The hosts it may run on, and how many of them.

    `replicas` is how many hosts serve it in each `per`; None: every one that may. `spread` is what they are spread
    over, the widest first. `countries` and `regions` are the only ones that data may be in, [] for any. A host whose
    label `tenant` names somebody serves that tenant alone, and a tenant's service goes nowhere else.
    """

    pattern: StrictStr
    replicas: Annotated[int, Field(ge=1)] | None = None
    per: Scope = Scope.FLEET
    spread: list[Scope] = Field(default=[Scope.METRO, Scope.POP])
    countries: list[Annotated[str, Field(pattern="^[A-Z]{2}$")]] = Field(default_factory=list)
    regions: list[StrictStr] = Field(default_factory=list)
    tenant: StrictStr = ""


def as_place(value: Any) -> Any:
    """Read a lone pattern as every host that it matches."""
    return {"pattern": value} if isinstance(value, str) else value


class Swap(StrEnum):
    """How a host goes from one release to the next; AUTO is side by side where memory lets it, else REPLACE."""

    AUTO = "auto"
    SIDE_BY_SIDE = "side-by-side"
    REPLACE = "replace"


class OnHalt(StrEnum):
    """What happens to what was done when a wave is halted."""

    HOLD = "hold"
    ROLLBACK_WAVE = "rollback-wave"
    ROLLBACK_ALL = "rollback-all"


class Floor(Strict):
    """How much of a place's measured tokens per second must stay in service, as a share of 1."""

    per: Scope = Scope.METRO
    keep: Share = 0.5


class Strategy(Strict):
    """How hosts go over. `drain` is how many seconds streams may take to end; what is left then is cut and counted."""

    swap: Swap = Swap.AUTO
    drain: Seconds = 120.0
    on_halt: OnHalt = OnHalt.ROLLBACK_WAVE
    floor: Floor | None = None


class Prompt(Strict):
    """A question of the smoke test; `golden` is what the answer at temperature 0 begins with, '' for anything."""

    ask: StrictStr
    golden: StrictStr = ""


class Smoke(Strict):
    """What the service is asked before it may stay: one prompt, or several.

    `tokens` is how many it may answer with. With `stream` each is asked a second time as a stream, which must say
    the same.
    """

    prompt: StrictStr = "Say hello."
    tokens: Annotated[int, Field(ge=1, le=512)] = 16
    prompts: list[Prompt] = Field(default_factory=list)
    stream: bool = False

    @property
    def asked(self) -> list[Prompt]:
        """Every prompt there is."""
        return self.prompts or [Prompt(ask=self.prompt)]


def _as_smoke(value: Any) -> Any:
    return {"prompt": value} if isinstance(value, str) else value


class BenchGate(Strict):
    """A measurement that must not be worse than the baseline of (model, engine, SKU).

    `profile` is how long it takes; `baseline` is `auto` or a result's file; the shares are how much worse it may be.
    `waves` are those that are measured, counted from 1; [] for every one.
    """

    profile: Literal["quick", "full"] = "quick"
    baseline: StrictStr = "auto"
    ttft: Share = 0.10
    throughput: Share = 0.05
    waves: list[Annotated[int, Field(ge=1)]] = Field(default=[1])


class Gates(Strict):
    """What must hold on a node before the next one is touched; times in seconds.

    `soak` is how long a wave is watched before the next begins, and its hosts' old releases stay whole.
    """

    ready: Seconds = 300.0
    smoke: Annotated[Smoke, BeforeValidator(_as_smoke)] = Smoke()
    bench: BenchGate | None = None
    soak: Seconds = 0.0


class Weights(Strict):
    """How weights travel. `bandwidth` caps each PoP's line, in bytes per second.

    `window` is when they may: any time, in the PoP's maintenance window (`site`), or between hours of its own zone.
    """

    bandwidth: BytesPerSecond | None = None
    window: Literal["", "site"] | WindowSpec = ""


class Secret(Strict):
    """Where a secret comes from: one of these providers."""

    env: StrictStr | None = None
    file: StrictStr | None = None
    command: StrictStr | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.provider) != 1:
            raise ValueError("name one provider: env, file or command")
        return self

    @property
    def provider(self) -> dict[str, str]:
        """The provider as `SecretSource.value` takes it."""
        return self.model_dump(exclude_none=True)
