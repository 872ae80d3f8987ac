"""The rollout that a specification means: its own budgets, and the floor that its strategy adds to them. Pure."""

from __future__ import annotations

from dataclasses import replace

from edgectl.engine.policy import Rollout, Share
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_care import Floor, Scope, Swap
from edgectl.ops.policy import rollout_policy

_WHOLE = 1.0


def rollout_of(spec: ServiceSpec) -> Rollout:
    """Return the policy.

    Side by side takes nothing out of service. In place of each other, as much may be out at once as the floor leaves
    of a place's GPUs, which stand for their tokens per second; without one, a host of each PoP, so that the others
    there carry its load. The soak is the longer one of the rollout's and the gates'.
    """
    policy = rollout_policy(spec.rollout.model_dump())
    policy = replace(policy, soak_s=max(policy.soak_s, spec.gates.soak))
    if spec.strategy.swap is not Swap.REPLACE:
        return policy
    if spec.strategy.floor is not None:
        return _with_floor(policy, spec.strategy.floor)
    return replace(policy, max_out=1) if policy.max_out is None else policy


def _with_floor(policy: Rollout, floor: Floor) -> Rollout:
    keep: Share = floor.keep
    if isinstance(keep, int):
        return replace(policy, max_out=1, spread=policy.spread or _domain(floor.per))
    out = _WHOLE - keep
    asked = policy.max_out
    least = out if not isinstance(asked, float) else min(out, asked)
    return replace(policy, max_out=least, min_out=max(policy.min_out, 1), spread=_domain(floor.per))


def _domain(per: Scope) -> str:
    return "" if per is Scope.FLEET else per.value
