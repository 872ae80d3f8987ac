"""The rollout that a specification means: its own budgets, and the floor that its strategy adds to them. Pure."""

from __future__ import annotations

from dataclasses import replace

from edgectl.engine.policy import Measure, Rollout, Share
from edgectl.ops.deploy.fit import Need
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_care import Floor, Scope, Swap
from edgectl.ops.policy import rollout_policy

_WHOLE = 1.0


def how_to_swap(spec: ServiceSpec, need: Need, *, is_known: bool) -> Swap:
    """Return how a host goes over: side by side unless two engines are too much for its GPUs, or it is said otherwise.

    On a host whose GPUs are not known side by side is tried: where it does not fit, the new one fails to start beside
    an old one that goes on.
    """
    if spec.strategy.swap is not Swap.AUTO:
        return spec.strategy.swap
    both_fit = not need.gpus or 2 * need.share <= _WHOLE
    return Swap.SIDE_BY_SIDE if both_fit or not is_known else Swap.REPLACE


def rollout_of(spec: ServiceSpec, *, replaces: bool, measure: Measure | None = None) -> Rollout:
    """Return the policy; `replaces` tells whether a host is out of service while it goes over.

    Side by side takes nothing out of service. In place of each other, as much may be out at once as the floor leaves
    of what a place carries, by `measure`, else of its GPUs; without one, a host of each PoP, so that the others there
    carry its load. The soak is the longer one of the rollout's and the gates'.
    """
    policy = rollout_policy(spec.rollout.model_dump())
    policy = replace(policy, soak_s=max(policy.soak_s, spec.gates.soak))
    if not replaces:
        return policy
    if spec.strategy.floor is not None:
        return replace(_with_floor(policy, spec.strategy.floor), measure=measure)
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
