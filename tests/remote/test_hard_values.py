"""Values at the edges of what a playbook can hold, through the real bundle."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from edgectl.errors import InputError
from edgectl.remote.protocol import TaskEnded
from tests.remote.bundled import BundledHost
from tests.remote.playing import job_of

LARGE = "0123456789abcde\n" * (10 * 1024 * 1024 // 16)


def playbook(folder: Path, text: str) -> Path:
    path = folder / "play.yaml"
    path.write_text("- hosts: all\n  gather_facts: false\n" + text)
    return path


def test_a_variable_of_10_mb_reaches_a_host_that_renders_with_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    tasks = "  tasks:\n    - {command: echo end, register: r}\n"
    tasks += f"    - {{name: write, copy: {{content: '{{{{ large }}}}{{{{ r.stdout }}}}', dest: {out}}}}}\n"
    tasks += "    - {name: count, debug: {msg: '{{ large | length }} {{ r.rc }}'}}\n"
    visit = BundledHost(tmp_path).run(job_of(playbook(tmp_path, tasks), large=LARGE))
    assert visit.statuses["write"] == "changed", visit
    assert visit.results["count"]["msg"] == f"{len(LARGE)} 0"
    assert out.read_text() == LARGE + "end"


FAILING = [
    ("{debug: {msg: '{{ r.stdout_lines[7] }}'}}", "list object has no element 7"),
    ("{debug: {msg: '{{ nobody }}'}, when: r.rc == 0}", "'nobody' is undefined"),
    ("{debug: {msg: x}, loop: '{{ r.stdout }}'}", "'loop' must be a list, not 'end'"),
    ("{debug: {msg: '{{ 1 / (r.rc | int) }}'}}", "division by zero"),
    ("{debug: {msg: '{{ r | to_nice_yaml }}{{ a }}'}}", "'a' is defined by itself"),
    ("{debug: {msg: '{{ r.stdout | from_json }}'}}", "Expecting value"),
    ("{debug: {msg: '{{ r.stdout.upper }}'}}", "this is no data but a builtin_function_or_method"),
    ("{command: echo, args: {chdir: '{{ r }}'}}", "'chdir' must be a text, not a dict"),
]


@pytest.mark.parametrize(("task", "told"), FAILING)
def test_what_only_the_host_can_find_out_fails_its_task_with_the_reason(
    tmp_path: Path, task: str, told: str
) -> None:
    tasks = f"  tasks:\n    - {{command: echo end, register: r}}\n    - {task}\n"
    visit = BundledHost(tmp_path).run(job_of(playbook(tmp_path, tasks), a="{{ b }}", b="{{ a }} {{ r }}"))
    assert visit.end.status == "failed"
    (result,) = [said for said in visit.results.values() if said.get("failed")]
    assert told in result["msg"]


def test_a_variable_that_is_defined_by_itself_is_refused_here_where_it_can_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"play\.yaml:4:\d+   the variable '[ab]' is defined by itself"):
        job_of(playbook(tmp_path, "  tasks:\n    - {debug: {msg: '{{ a }}'}}\n"), a="{{ b }}", b="{{ a }}")


def test_a_chain_of_variables_of_no_harm_is_followed_to_its_end(tmp_path: Path) -> None:
    chain: dict[str, Any] = {f"v{number}": f"{{{{ v{number + 1} }}}}" for number in range(40)} | {
        "v40": "end"
    }
    job = job_of(playbook(tmp_path, "  tasks:\n    - {debug: {msg: '{{ v0 }}'}}\n"), **chain)
    assert job.plays[0].tasks[0].args == {"msg": "end"}


def test_doubling_variables_do_not_eat_the_memory(tmp_path: Path) -> None:
    """Thirty variables, each twice the next: a gigabyte of text, were it all made."""
    bomb: dict[str, Any] = {
        f"v{number}": f"{{{{ v{number + 1} }}}}{{{{ v{number + 1} }}}}" for number in range(30)
    } | {"v30": "x"}
    started = time.monotonic()
    with pytest.raises(InputError, match="is longer than"):
        job_of(playbook(tmp_path, "  tasks:\n    - {debug: {msg: '{{ v0 }}'}}\n"), **bomb)
    assert time.monotonic() - started < 60


FLUSHES = [
    ("- {meta: flush_handlers}", "flushed 1 then"),
    ("- {meta: flush_handlers, when: no}", "1 then flushed"),
    ("- {meta: flush_handlers, when: r.rc == 0}", "flushed 1 then"),
    ("- {meta: flush_handlers, when: r.rc == 1}", "1 then flushed"),
    ("- {block: [{meta: flush_handlers}], when: r.rc == 1}", "1 then flushed"),
    ("- {block: [{meta: flush_handlers}], when: r.rc == wanted, vars: {wanted: 0}}", "flushed 1 then"),
]


@pytest.mark.parametrize(("flush", "order"), FLUSHES)
def test_handlers_run_where_their_condition_and_those_around_it_hold(
    tmp_path: Path, flush: str, order: str
) -> None:
    tasks = (
        "  tasks:\n    - {name: '1', command: 'true', register: r, notify: flushed}\n"
        f"    {flush}\n    - {{name: then, ping: }}\n"
        "  handlers:\n    - {name: flushed, command: 'true'}\n"
    )
    visit = BundledHost(tmp_path).run(job_of(playbook(tmp_path, tasks)))
    ended = [message.name for message in visit.of(TaskEnded)]
    assert ended == ["1", *(word for word in order.split() if word != "1")]


def test_what_failed_and_is_ignored_notifies_nobody(tmp_path: Path) -> None:
    tasks = (
        "  tasks:\n    - {name: bad, command: 'false', changed_when: true, ignore_errors: true, notify: told}\n"
        "  handlers:\n    - {name: told, command: 'true'}\n"
    )
    visit = BundledHost(tmp_path).run(job_of(playbook(tmp_path, tasks)))
    assert visit.statuses == {"bad": "ignored"}
