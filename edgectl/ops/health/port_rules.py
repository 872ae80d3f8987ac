"""The rules about a node's network ports. Pure."""

from __future__ import annotations

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_node import Port

_ACTIVE = "active"
_PEERMEM = "nvidia_peermem"
_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S


def port_down(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Without a number in the inventory a port without a cable is as good as one that lost it."""
    if node.ports is None or expected.ports_up is None:
        return Standing.UNJUDGED
    up = [port for port in node.ports if _is_active(port)]
    if len(up) >= expected.ports_up:
        return Standing.HOLDS
    down = {_name(port): port.physical_state or port.state for port in node.ports if not _is_active(port)}
    value = {"is": len(up), "wanted": expected.ports_up, "down": down}
    names = f": {', '.join(down)}" if down else ""
    return Breach(Severity.CRITICAL, value, f"{len(up)} of {expected.ports_up} up{names}")


def port_speed(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Ports that are up."""
    wanted = expected.port_gbps
    known = {_name(port): port.rate_gbps for port in node.ports or () if _is_active(port) and port.rate_gbps}
    if wanted is None or not known:
        return Standing.UNJUDGED
    slow = {name: rate for name, rate in known.items() if rate < wanted}
    if not slow:
        return Standing.HOLDS
    said = ", ".join(f"{name} at {rate:g}" for name, rate in slow.items())
    return Breach(Severity.WARNING, {"is": slow, "wanted": wanted}, f"{said} of {wanted:g} Gb/s")


def port_errors(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """Mean rates over the node's uptime, at least a day for events that come one by one.

    The counters run since the driver was loaded, which is no longer ago, so that the true rate is no lower.
    """
    up_s = node.machine.uptime_s if node.machine else None
    if up_s is None or up_s <= 0 or not node.ports:
        return Standing.UNJUDGED
    broken = {_name(port): rates for port in node.ports if (rates := _too_many(port, up_s, rule))}
    if not broken:
        return Standing.HOLDS
    said = [f"{port} {name} {rate:,.0f}" for port, rates in broken.items() for name, rate in rates.items()]
    return Breach(Severity.WARNING, broken, ", ".join(said))


def peermem(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Only where the inventory asks for RDMA."""
    modules = node.machine.modules if node.machine else None
    if not expected.rdma or modules is None:
        return Standing.UNJUDGED
    return Standing.HOLDS if _PEERMEM in modules else Breach(Severity.WARNING, list(modules), "")


def _too_many(port: Port, up_s: float, rule: Rule) -> dict[str, float]:
    """Return the counters of a port that grew faster than a sound link's, as rates in the rule's units."""
    hours, days = max(up_s, _HOUR_S) / _HOUR_S, max(up_s, _DAY_S) / _DAY_S
    rates = {
        "symbol errors an hour": (port.counters.get("symbol_error", 0) / hours, "symbol_errors"),
        "recoveries an hour": (port.counters.get("link_error_recovery", 0) / hours, "recoveries"),
        "losses a day": (port.counters.get("link_downed", 0) / days, "link_downs"),
    }
    return {name: rate for name, (rate, limit) in rates.items() if rate >= rule.thresholds[limit]}


def _is_active(port: Port) -> bool:
    return _ACTIVE in (port.state or "").lower()


def _name(port: Port) -> str:
    return port.interface or f"{port.device}/{port.port}"
