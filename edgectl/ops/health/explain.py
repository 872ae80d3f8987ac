"""`health explain`: what a finding means, where the rule comes from, and what clears it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from edgectl.catalog.rules_model import Rule, Rules
from edgectl.catalog.xid import XidMeaning
from edgectl.complaints import did_you_mean
from edgectl.errors import ExitCode, InputError
from edgectl.ops.health.xid_rules import XidTable
from edgectl.report import Line, Report, Tone

_XID = re.compile(r"xid-(\d{1,4})", re.IGNORECASE)
_WIDTH = 10


def explain(finding: str, rules: Rules, xids: Mapping[int, XidMeaning], now: datetime) -> Report:
    """Return all that is known about a finding. Raises `InputError` for one that does not exist."""
    xid = _XID.fullmatch(finding)
    if xid is not None:
        said = dict(_xid(int(xid[1]), XidTable(xids, rules)))
    elif finding in rules.by_id:
        said = dict(_rule(rules.by_id[finding]))
    else:
        known = [*rules.by_id, "xid-79"]
        raise InputError(
            f"there is no finding '{finding}'{did_you_mean(finding, known)}",
            hint=f"one of {', '.join(rules.by_id)}, or xid-NUMBER",
        )
    name = finding.lower()
    lines = [Line(name), *(_line(word, text) for word, text in said.items())]
    data: dict[str, Any] = {"finding": name, **said}
    return Report("health explain", now, 0.0, ExitCode.DONE, data=data, body=lines)


def _rule(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "about", rule.component.value
    for severity, sentence in rule.sentences.items():
        yield severity.value, sentence
    yield "why", rule.why
    yield "action", rule.action
    yield "clears", rule.clears
    yield "source", rule.source


def _xid(code: int, table: XidTable) -> Iterator[tuple[str, str]]:
    meaning, rule = table.meaning(code), table.rules.by_id["xid"]
    yield "about", f"Xid {code}, {meaning.mnemonic}"
    yield meaning.severity.value, meaning.meaning
    yield "why", rule.why
    yield "action", table.action(meaning)
    yield "clears", rule.clears
    yield "source", meaning.source


def _line(word: str, text: str) -> Line:
    tones = {"critical": Tone.BAD, "warning": Tone.NOTICE}
    return Line(f"  {word:<{_WIDTH}} {text}", tones.get(word, Tone.PLAIN))
