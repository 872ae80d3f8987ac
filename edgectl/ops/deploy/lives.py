"""What happened to services, as stages in the lives of their hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edgectl.engine.lifecycle import Passage, Stage
from edgectl.engine.service_records import ServiceChange, Turn

_STAGES: Mapping[Turn, Stage] = {
    Turn.LIVE: Stage.IN_SERVICE,
    Turn.ROLLED_BACK: Stage.IN_SERVICE,
    Turn.UNDRAINED: Stage.IN_SERVICE,
    Turn.DRAINED: Stage.DRAINING,
    Turn.QUARANTINED: Stage.QUARANTINED,
}


def passages_of(changes: Iterable[ServiceChange]) -> list[Passage]:
    """Return the stages that hosts came to; a release that failed, or was only seen, changes none. Pure."""
    return [
        Passage(one.host, _STAGES[one.turn], one.at, one.by, one.reason, one.run)
        for one in changes
        if one.turn in _STAGES
    ]
