"""What systemd_service decides: from how a unit is to the verbs that bring it where it should be."""

from __future__ import annotations

from edgectl.remote.lean import NamedTuple

_RUNNING = ("active", "activating", "reloading")
# Enabled for now, or by another name, or for another unit: asked for, it is made sure of.
_NOT_QUITE_ENABLED = ("enabled-runtime", "indirect", "alias")
_NOT_ENABLED = ("disabled", "masked", "masked-runtime", "linked", "linked-runtime", "not-found", "bad", "")


class Wish(NamedTuple):
    """What a task asks for; None is not asked for."""

    state: str | None = None
    enabled: bool | None = None
    masked: bool | None = None

    @property
    def needs_enabled(self) -> bool:
        """Tell whether it matters what starts at boot."""
        return self.enabled is not None or self.masked is not None

    @property
    def needs_unit(self) -> bool:
        """Tell whether the unit must be there; one that is not can still be masked."""
        return self.state is not None or self.enabled is not None


class Unit(NamedTuple):
    """How a unit is: the properties that systemctl shows, and its word for what starts at boot."""

    status: dict[str, str]
    boot: str = ""
    problem: str = ""

    @property
    def is_there(self) -> bool:
        """Tell whether systemd knows it."""
        return self.status.get("LoadState", "not-found") != "not-found" or self.boot not in ("", "not-found")

    @property
    def active(self) -> str:
        """Return its state in one word."""
        return self.status.get("ActiveState", "unknown")

    @property
    def is_running(self) -> bool:
        """Tell whether it runs or is about to."""
        return self.active in _RUNNING

    @property
    def starts_at_boot(self) -> bool:
        """Tell whether it is enabled; static units and the like count, as with Ansible."""
        return self.boot not in (*_NOT_ENABLED, *_NOT_QUITE_ENABLED)

    @property
    def is_masked(self) -> bool:
        """Tell whether it is masked for good."""
        return self.boot == "masked"


def verbs(wish: Wish, unit: Unit) -> list[str]:
    """Return what to tell systemctl, in order."""
    found = []
    if wish.masked is not None and wish.masked != unit.is_masked:
        found.append("mask" if wish.masked else "unmask")
    if wish.enabled is True and not unit.starts_at_boot:
        found.append("enable")
    if wish.enabled is False and unit.boot in ("enabled", *_NOT_QUITE_ENABLED):
        found.append("disable")
    verb = _state_verb(wish.state, unit)
    return found + ([verb] if verb else [])


def _state_verb(state: str | None, unit: Unit) -> str:
    if state is None:
        return ""
    if state == "stopped":
        return "stop" if unit.is_running or unit.active == "deactivating" else ""
    if not unit.is_running:
        return "start"
    return {"started": "", "restarted": "restart", "reloaded": "reload"}[state]


def is_settled(unit: Unit) -> bool:
    """Tell whether a unit that was started is where it will stay."""
    return unit.active not in ("activating", "deactivating", "reloading")


def still_wrong(wish: Wish, unit: Unit) -> str:
    """Return in words what is not as wished, or an empty text."""
    shown = f"{unit.active}/{unit.status.get('SubState', '?')}, result {unit.status.get('Result', '?')}"
    if wish.state == "stopped" and unit.active not in ("inactive", "failed"):
        return f"is {shown} after it was stopped"
    if wish.state not in (None, "stopped") and not (unit.active == "active" or _is_done(unit)):
        return f"is {shown} after it was started"
    if wish.enabled is True and not unit.starts_at_boot and unit.boot not in _NOT_QUITE_ENABLED:
        return f"was enabled and is {unit.boot or 'unknown'}"
    if wish.enabled is False and unit.boot == "enabled":
        return "was disabled and is still enabled"
    if wish.masked is not None and wish.masked != unit.is_masked:
        return f"is {unit.boot or 'unknown'} after {'mask' if wish.masked else 'unmask'}"
    return ""


def _is_done(unit: Unit) -> bool:
    """Tell whether a oneshot did its work and ended, which is all it should do."""
    ended_well = unit.active == "inactive" and unit.status.get("Result", "success") == "success"
    return ended_well and unit.status.get("Type") == "oneshot"
