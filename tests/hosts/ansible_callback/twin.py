"""An Ansible stdout callback that says each task's end as one line of JSON."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: twin
    type: stdout
    short_description: one line of JSON per task and host
    description: For the twin tests.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Prints what a task came to."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "twin"

    def v2_runner_on_ok(self, result: Any) -> None:
        """Say ok or changed."""
        self._say(result, "changed" if result.result.get("changed") else "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Say failed, and whether the play goes on."""
        self._say(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Say skipped."""
        self._say(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Say unreachable."""
        self._say(result, "unreachable")

    def _say(self, result: Any, status: str) -> None:
        told = {name: value for name, value in result.result.items() if name != "invocation"}
        said = {
            "host": result.host.get_name(),
            "task": result.task.get_name(),
            "status": status,
            "msg": str(told.get("msg", "")),
            "result": told,
        }
        self._display.display("TWIN " + json.dumps(said, default=str))
