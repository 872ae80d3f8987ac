"""`health explain`: what a finding means, where the rule comes from, and what clears it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from edgectl.catalog.health_fleet import Metric, OutlierRules, load_fleet_rules
from edgectl.catalog.quantities import QUANTITIES
from edgectl.catalog.rules_model import Rule, Rules
from edgectl.catalog.xid import PEERS, XidMeaning
from edgectl.catalog.xid_nvlink5 import NvlinkRow
from edgectl.complaints import did_you_mean
from edgectl.errors import ExitCode, InputError
from edgectl.ops.health.history.host_look import UNREACHABLE
from edgectl.ops.health.xid_rules import XidTable
from edgectl.report import Line, Report, Tone

_XID = re.compile(r"xid-(\d{1,4})", re.IGNORECASE)
_WIDTH = 10
_SHARE = "share"


def explain(finding: str, rules: Rules, xids: Mapping[int, XidMeaning], now: datetime) -> Report:
    """Return all that is known about a finding. Raises `InputError` for one that does not exist."""
    xid = _XID.fullmatch(finding)
    if xid is not None:
        said = dict(_xid(int(xid[1]), XidTable(xids, rules)))
    elif finding in rules.by_id:
        said = dict(_rule(rules.by_id[finding]))
    elif finding in (fleet := _of_fleet()):
        said = fleet[finding]
    else:
        guess = did_you_mean(finding, [*rules.by_id, *fleet, "xid-79"])
        known = f"one of {', '.join(rules.by_id)}, or xid-NUMBER"
        raise InputError(f"there is no finding '{finding}'{guess}", hint="" if guess else known)
    name = finding.lower()
    lines = [Line(name), *(line for word, value in said.items() for line in _lines(word, value))]
    data: dict[str, Any] = {"finding": name, **said}
    return Report("health explain", now, 0.0, ExitCode.DONE, data=data, body=lines)


_Said = str | Mapping[str, str]


def _rule(rule: Rule) -> Iterator[tuple[str, _Said]]:
    yield "about", rule.component.value
    for severity, sentence in rule.sentences.items():
        yield severity.value, sentence
    yield "why", rule.why
    if rule.thresholds:
        yield "limits", {name: _threshold(rule, name) for name in rule.thresholds}
    yield "action", rule.action
    yield "clears", rule.clears
    yield "source", rule.source
    if rule.peers:
        yield "peers", rule.peers


def _of_fleet() -> dict[str, dict[str, _Said]]:
    """Return what is told of a host or a card by more than its own words: that it is away, or unlike its peers."""
    rules = load_fleet_rules().outliers
    away: dict[str, _Said] = {
        "about": "node",
        "warning": "the host could not be reached",
        "why": "What does not answer is not judged: it is unknown, and never healthy.",
        "action": "edgectl ping; where many are away the incident names what they share",
        "clears": "the host answers",
        "source": "our own",
    }
    return {UNREACHABLE: away, **{metric.finding: _outlier(metric, rules) for metric in rules.metrics}}


def _outlier(metric: Metric, rules: OutlierRules) -> dict[str, _Said]:
    peers = "the same product, driver and load" if metric.by_load else "the same product and driver"
    return {
        "about": "gpu",
        "warning": metric.says,
        "why": f"Peers have {peers}. What a fixed limit misses, neighbours show.",
        "limits": {
            "differs by": f"{metric.differs_by:g} {metric.unit} at least",
            "robust z": f"above {rules.robust_z:g}",
            "peers": f"{rules.least_peers} at least, of its {', else its '.join(rules.widths)}",
        },
        "action": metric.action,
        "clears": "it is like its peers again, at several looks",
        "source": "B. Iglewicz, D. Hoaglin, How to detect and handle outliers (1993)",
    }


def _threshold(rule: Rule, name: str) -> str:
    value, quantity = rule.thresholds[name], rule.quantities[name]
    if quantity == _SHARE:
        return f"{100 * value:g} %"
    return f"{value:g} {QUANTITIES[quantity].unit}".rstrip()


def _xid(code: int, table: XidTable) -> Iterator[tuple[str, _Said]]:
    meaning, rule = table.meaning(code), table.rules.by_id["xid"]
    yield "about", f"Xid {code}, {meaning.mnemonic}"
    yield meaning.severity.value, meaning.meaning
    if meaning.note:
        yield "note", meaning.note
    yield "why", rule.why
    yield "action", table.action(meaning)
    if meaning.nvlink:
        yield "units", {_nvlink_name(row): _nvlink_row(row, table) for row in meaning.nvlink}
    if meaning.recovery_from is not None:
        yield "driver", _recovery(meaning.recovery_from)
    if meaning.nvidia:
        yield "NVIDIA", meaning.nvidia
    yield "clears", rule.clears
    yield "source", meaning.source
    if meaning.peers:
        yield "peers", {PEERS[peer]: verdict for peer, verdict in meaning.peers.items()}


def _recovery(branch: int) -> str:
    since = f"since branch {branch}" if branch else "since it has this number"
    return f"tells its recovery action with it (Xid 154) {since}; that stands above this table"


def _nvlink_name(row: NvlinkRow) -> str:
    return f"{'|'.join(row.units)}, reason {row.reason}, status 0x{row.error_status:08x}"


def _nvlink_row(row: NvlinkRow, table: XidTable) -> str:
    note = f"; {row.note}" if row.note else ""
    return f"{row.kind}, {row.severity.value}: {table.rules.actions[row.action]} ({row.nvidia}){note}"


def _lines(word: str, said: _Said) -> Iterator[Line]:
    """Yield one line, or one for each of several, of which the first has the word."""
    if isinstance(said, str):
        yield _line(word, said)
        return
    for number, (name, text) in enumerate(said.items()):
        yield _line(word if number == 0 else "", f"{name}: {text}")


def _line(word: str, text: str) -> Line:
    tones = {"critical": Tone.BAD, "warning": Tone.NOTICE}
    return Line(f"  {word:<{_WIDTH}} {text}", tones.get(word, Tone.PLAIN))
