"""A secret is never on a command line, in a journal, a log, a report or a process list."""

from __future__ import annotations

import pytest

from tests.fakes.observers import Witness
from tests.faults.proxy import End
from tests.faults.rig import Controller, Site, when_task

_SECRET = "tr0ub4dor&3-of-the-run"
_TASKS = [
    {"name": "says it", "shell": 'echo "$TOKEN"; sleep 1', "environment": {"TOKEN": "{{ token }}"}},
    {"name": "says it and fails", "shell": {"cmd": "cat; exit 1", "stdin": "{{ token }}"}},
]


def _found(site: Site, where: str) -> str:
    """Return the files there that hold the secret; grep reads it from a file, not from its own command line."""
    pattern = site.machine.folder / "pattern"
    pattern.write_text(_SECRET)
    return site.machine.run(f"grep -lrFf {pattern} {where} || true")


@pytest.mark.parametrize("end", [None, *End])
def test_a_secret_is_nowhere_to_be_read(site: Site, end: End | None) -> None:
    seen: list[str] = []

    def look() -> None:
        seen.append(_found(site, "/proc/[0-9]*/cmdline /var/lib/edgectl /var/log /srv"))
        if end is not None:
            site.proxy.end_all(end)

    witness = Witness()
    controller = Controller(
        [site], observers=[when_task("says it", look), witness], environment={"TOKEN": _SECRET}
    )
    run = controller.run(_TASKS, secrets={"token": {"env": "TOKEN"}})
    (host,) = run.hosts
    assert (host.status, host.failed_task) == ("failed", "says it and fails"), host
    assert seen == [""]
    assert _SECRET not in repr(witness.events)
    assert _SECRET not in repr(run)
    assert _found(site, "/var/lib/edgectl /var/log /run /srv") == ""
