"""What a task gives back: Ansible's result, as a value."""

from __future__ import annotations

from edgectl.remote.frozen import dataclass, field
from edgectl.remote.lean import Any, Dict, Optional


@dataclass(frozen=True)
class TaskResult:
    """The end of one task at a host; `values` are the module's own return values, JSON-serialisable."""

    changed: bool = False
    failed: bool = False
    msg: str = ""
    values: Dict[str, Any] = field(default_factory=dict)
    diff: Optional[Dict[str, str]] = None

    def as_dict(self) -> Dict[str, Any]:
        """Return the result under Ansible's names, as templates and reports see it."""
        merged: Dict[str, Any] = {**self.values, "changed": self.changed, "failed": self.failed}
        if self.msg:
            merged["msg"] = self.msg
        if self.diff is not None:
            merged["diff"] = self.diff
        return merged


def ok(msg: str = "", **values: Any) -> TaskResult:
    """The host was already as wanted."""
    return TaskResult(msg=msg, values=values)


def changed(msg: str = "", *, diff: Optional[Dict[str, str]] = None, **values: Any) -> TaskResult:
    """The host was changed, or in check mode would have been."""
    return TaskResult(changed=True, msg=msg, values=values, diff=diff)


def failed(msg: str, **values: Any) -> TaskResult:
    """The task could not do what was asked; `msg` says why and what to do."""
    return TaskResult(failed=True, msg=msg, values=values)
