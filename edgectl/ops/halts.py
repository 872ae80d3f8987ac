"""What stops a changing run from outside: a freeze of the fleet, or somebody who cancelled it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from edgectl.engine.records import Freeze
from edgectl.errors import EdgectlError, StoppedError
from edgectl.ops.services import Services

_log = logging.getLogger(__name__)

# The store is asked no more often than this, however many hosts are about to start.
INTERVAL_S = 3.0


def said_of(freeze: Freeze) -> str:
    """Return a freeze as the reason why a run stops."""
    until = f"until {freeze.until.astimezone():%Y-%m-%d %H:%M %Z}" if freeze.until else "until it is lifted"
    return f"frozen by {freeze.by} {until}: {freeze.reason}"


def refuse_frozen(services: Services) -> None:
    """Raise `StoppedError` where the fleet is frozen."""
    for freeze in services.freezes.in_force(services.clock.now()):
        raise StoppedError(f"{said_of(freeze)}; no host was contacted", hint="edgectl freeze --lift")


def halting(services: Services, run: str) -> Callable[[], str]:
    """Return what says why a run must not start another host, or an empty text; cheap to ask."""
    asked_at, said = float("-inf"), ""

    def reason() -> str:
        nonlocal asked_at, said
        if services.clock.monotonic() - asked_at >= INTERVAL_S:
            asked_at = services.clock.monotonic()
            try:
                said = _reason(services, run)
            except EdgectlError:
                _log.exception("cannot ask the store whether the fleet is frozen; going on as before")
        return said

    return reason


def _reason(services: Services, run: str) -> str:
    for freeze in services.freezes.in_force(services.clock.now()):
        return said_of(freeze)
    record = services.history.find(run)
    return f"cancelled by {record.cancelled}" if record is not None and record.cancelled else ""
