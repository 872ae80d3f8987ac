"""The kinds of lines that a host tells about and the rules that judge them are the same ones."""

from __future__ import annotations

from edgectl.catalog.rules import load_rules
from edgectl.remote.health.events import FABRIC_MANAGER, KINDS


def test_every_kind_of_line_that_a_host_tells_has_its_rule_and_no_rule_waits_for_another() -> None:
    judged = {kind for rule in load_rules().by_id.values() for kind in rule.events}

    assert judged == {FABRIC_MANAGER, *(kind.name for kind in KINDS)}
