"""A secret reaches the task that needs it, and no journal, no event and no process list."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.remote.protocol import TaskRetried
from tests.fakes.fleet import a_job, a_task
from tests.remote.bundled import BundledHost, Visit, shell

READ = "cat > got; cat got; echo $PW >&2"
SECRET = 'sw0rdf"ish\nand a second line'


@pytest.fixture
def host(tmp_path: Path) -> BundledHost:
    return BundledHost(tmp_path)


def _left(host: BundledHost, visit: Visit) -> list[str]:
    """Return where the secret is still to be read."""
    kept = "".join(path.read_text() for path in (host.folder / "var").rglob("*") if path.is_file())
    places = {"journal": kept, "events": repr(visit.messages), "stderr": visit.noise}
    return [name for name, text in places.items() if "sw0rdf" in text or "second line" in text]


def test_a_secret_is_used_and_not_told(host: BundledHost) -> None:
    tasks = [
        a_task(2, "shell", {"cmd": READ, "stdin": "{{ pw }}"}, register="r", environment={"PW": "{{ pw }}"}),
        a_task(3, "debug", {"msg": "{{ r.stdout_lines }} {{ pw | to_json }}"}),
        a_task(4, "debug", {"var": "pw"}),
        a_task(5, "fail", {"msg": "no {{ pw }}"}),
    ]
    visit = host.run(a_job(tasks, needs=["jinja2"], secrets={"pw": SECRET}))

    assert (host.folder / "got").read_text() == f"{SECRET}\n"
    assert visit.end.reason == "no [pw]"
    assert _left(host, visit) == []


def test_no_log_hides_the_result_its_tries_and_its_reason(host: BundledHost) -> None:
    task = shell(1, "echo sw0rdf >&2; exit 1", no_log=True, retries=1, delay_s=0.01, register="r")
    visit = host.run(a_job([task]))

    assert visit.end.status == "failed"
    assert "no_log" in visit.end.reason
    assert len(visit.of(TaskRetried)) == 1
    assert _left(host, visit) == []


def test_a_hidden_result_is_still_a_variable(host: BundledHost) -> None:
    tasks = [
        shell(1, "echo yes", no_log=True, register="r", notify=["h"]),
        shell(2, "touch seen", when=["r.stdout == 'yes'"]),
        a_task(3, "flush"),
    ]
    visit = host.run(a_job(tasks, needs=["jinja2"], handlers=[shell(9, "touch handled", "h")]))

    assert visit.end.status == "changed"
    assert (host.folder / "seen").exists()
    assert (host.folder / "handled").exists()
