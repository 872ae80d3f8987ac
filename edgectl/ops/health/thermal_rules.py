"""The rules about a GPU's heat, clocks and power. Pure."""

from __future__ import annotations

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed_gpu import Gpu
from edgectl.ops.health.sight import Sight, grown

_US = 1_000_000


def temperature(sight: Sight, rule: Rule) -> Judged:
    """Judge by how far the GPU is from slowing down; by fixed temperatures where it does not say."""
    gpu, near_c = sight.gpu, rule.thresholds["near"]
    if gpu.margin_c is not None:
        slowdown_c = gpu.slowdown_margin_c
        if slowdown_c is None:
            slowdown_c = rule.slowdown_margin_c.get(gpu.name or "", 0.0)
        # At a margin of 0 the GPU is at its highest operating temperature; it slows down a little later.
        return _heat(gpu, gpu.margin_c, near_c, slowdown_c)
    if gpu.temperature_c is None:
        return Standing.UNJUDGED
    if gpu.slowdown_temperature_c is not None:
        return _heat(gpu, gpu.slowdown_temperature_c - gpu.temperature_c, near_c, 0.0)
    to_hot_c = rule.thresholds["hot"] - gpu.temperature_c
    return _heat(gpu, to_hot_c, rule.thresholds["hot"] - rule.thresholds["warm"], 0.0)


def _heat(gpu: Gpu, margin_c: float, near_c: float, slowdown_c: float) -> Judged:
    if margin_c > near_c:
        return Standing.HOLDS
    severity = Severity.CRITICAL if margin_c <= slowdown_c else Severity.WARNING
    value = gpu.temperature_c if gpu.temperature_c is not None else margin_c
    return Breach(severity, value, f"{value:g} °C")


def memory_temperature(sight: Sight, _rule: Rule) -> Judged:
    """Against the limit that the GPU itself gives."""
    is_c, limit_c = sight.gpu.memory_temperature_c, sight.gpu.memory_limit_temperature_c
    if is_c is None or limit_c is None:
        return Standing.UNJUDGED
    if is_c <= limit_c:
        return Standing.HOLDS
    return Breach(Severity.WARNING, {"is": is_c, "limit": limit_c}, f"{is_c:g} °C, limit {limit_c:g} °C")


def thermal_slowdown(sight: Sight, rule: Rule) -> Judged:
    """By the share of time since the last look, else by what holds at this moment.

    Drivers before 580 have one counter for both; what nobody tells apart is held to the limit of the milder one.
    """
    hardware, software = _share(sight, "hw_thermal_slowdown_us"), _share(sight, "sw_thermal_slowdown_us")
    either = _share(sight, "hw_slowdown_us") if hardware is None and software is None else None
    if hardware is None and software is None and either is None:
        return _reason(sight.gpu, "hw_thermal_slowdown", "sw_thermal_slowdown")
    limits, milder = rule.thresholds, max(software or 0, either or 0)
    if (hardware or 0) <= limits["hw_warning"] and milder <= limits["sw_warning"]:
        return Standing.HOLDS
    severity = Severity.CRITICAL if (hardware or 0) > limits["hw_critical"] else Severity.WARNING
    shares = {"hardware": hardware, "software": software, "either": either}
    told = {who: share for who, share in shares.items() if share}
    said = ", ".join(f"{share:.0%} by {who}" for who, share in told.items())
    return Breach(severity, told, f"{said} since the last look")


def power_brake(sight: Sight, _rule: Rule) -> Judged:
    """The external brake, even once since the last look; a software power cap is normal at full load."""
    share = _share(sight, "hw_power_brake_us")
    if share is None:
        return _reason(sight.gpu, "hw_power_brake_slowdown")
    if share == 0:
        return Standing.HOLDS
    return Breach(Severity.WARNING, share, f"{share:.1%} of the time since the last look")


def hw_slowdown(sight: Sight, _rule: Rule) -> Judged:
    """The general bit, where neither of the two that explain it is set."""
    known = {"hw_thermal_slowdown", "hw_power_brake_slowdown"}
    if sight.gpu.clocks_event_reasons is not None and known & set(sight.gpu.clocks_event_reasons):
        return Standing.HOLDS
    return _reason(sight.gpu, "hw_slowdown")


def clocks_locked(sight: Sight, _rule: Rule) -> Judged:
    """Only the reason that names a setting; a GPU at rest has another."""
    return _reason(sight.gpu, "applications_clocks_setting")


def power_limit(sight: Sight, _rule: Rule) -> Judged:
    """The inventory's limit where it has one, else not below the card's default."""
    limit_w, wanted_w = sight.gpu.power_limit_w, sight.expected.gpu_power_limit_w
    default_w = sight.gpu.power_limit_default_w
    if limit_w is None or (wanted_w is None and default_w is None):
        return Standing.UNJUDGED
    if wanted_w is not None:
        return Standing.HOLDS if _same(limit_w, wanted_w) else _off(limit_w, wanted_w)
    if default_w is None or limit_w >= default_w or _same(limit_w, default_w):
        return Standing.HOLDS
    return _off(limit_w, default_w)


def _same(one_w: float, other_w: float) -> bool:
    return round(one_w) == round(other_w)


def _off(limit_w: float, wanted_w: float) -> Breach:
    said = f"{limit_w:g} W, wanted {wanted_w:g} W"
    return Breach(Severity.WARNING, {"is": limit_w, "wanted": wanted_w}, said)


def _share(sight: Sight, counter: str) -> float | None:
    """Return the share of time since the last look that a counter in microseconds grew by."""
    earlier = sight.earlier
    if earlier is None or earlier.seconds <= 0:
        return None
    us = grown(getattr(sight.gpu, counter), getattr(earlier.gpu, counter))
    return None if us is None else min(1.0, us / (earlier.seconds * _US))


def _reason(gpu: Gpu, *names: str) -> Judged:
    if gpu.clocks_event_reasons is None:
        return Standing.UNJUDGED
    active = [name for name in names if name in gpu.clocks_event_reasons]
    if not active:
        return Standing.HOLDS
    heat = f"{gpu.temperature_c:g} °C, " if gpu.temperature_c is not None else ""
    clock = f"SM at {gpu.clock_sm_mhz} MHz" if gpu.clock_sm_mhz is not None else ""
    return Breach(Severity.WARNING, active, f"{heat}{clock}".rstrip(", "))
