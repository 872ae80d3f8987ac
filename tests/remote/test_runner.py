"""Whole jobs through the real bundle: what is run, in which order, and what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.protocol import Heartbeat, Hello, TaskRetried, TaskStarted
from tests.fakes.fleet import a_job, a_task
from tests.remote.bundled import BundledHost, every_python, shell

JINJA2 = ["jinja2"]


@pytest.fixture
def host(tmp_path: Path) -> BundledHost:
    return BundledHost(tmp_path)


def _debug(index: int, msg: str, name: str = "", **more: Any) -> Any:
    return a_task(index, "debug", {"msg": msg}, name, **more)


@pytest.mark.parametrize("version", every_python())
def test_a_job_runs_under_every_supported_python(tmp_path: Path, version: str) -> None:
    host = BundledHost(tmp_path, version)
    tasks = [
        a_task(1, "copy", {"content": "ü\n", "dest": str(tmp_path / "f")}, register="copied"),
        _debug(2, "{{ copied.changed }}", when=["copied is changed"]),
        a_task(3, "setup"),
    ]
    job = a_job(tasks, needs=JINJA2)
    first = host.run(job)

    assert first.of(Hello)[0].python.startswith(version)
    assert first.statuses == {"task 1": "changed", "task 2": "ok", "task 3": "ok"}
    assert first.results["task 2"]["msg"] is True
    assert (first.end.status, first.seqs) == ("changed", [1, 2, 3, 4, 5, 6, 7])
    assert (tmp_path / "f").read_text() == "ü\n"
    assert (first.code, first.noise) == (0, "")


def test_a_job_that_only_reads_leaves_nothing_behind(host: BundledHost) -> None:
    assert host.run(a_job([a_task()], changes=False)).end.status == "ok"
    assert not (host.folder / "var").exists()


def test_the_first_failure_ends_the_job_and_its_handlers_wait(host: BundledHost) -> None:
    tasks = [
        shell(1, "true", notify=["later"]),
        shell(2, "echo no space >&2; exit 3", "fill"),
        shell(3, "touch never"),
        a_task(4, "flush"),
    ]
    visit = host.run(a_job(tasks, handlers=[shell(9, "touch handled", "later")]))

    assert visit.statuses == {"task 1": "changed", "fill": "failed"}
    assert (visit.end.status, visit.end.failed_task) == ("failed", "fill")
    assert visit.results["fill"]["rc"] == 3
    assert not (host.folder / "never").exists()
    assert not (host.folder / "handled").exists()


def test_handlers_run_once_in_the_order_they_are_written(host: BundledHost) -> None:
    tasks = [
        shell(1, "true", notify=["third", "first"]),
        shell(2, "true", notify=["first", "by topic"]),
        _debug(3, "unchanged", notify=["never"]),
        a_task(4, "flush"),
        a_task(5, "flush"),
    ]
    handlers = [
        shell(9, "true", "first"),
        shell(10, "true", "second", listen=["by topic"]),
        shell(11, "true", "third"),
        shell(12, "true", "never"),
    ]
    visit = host.run(a_job(tasks, handlers=handlers))

    assert [message.name for message in visit.of(TaskStarted)][3:] == ["first", "second", "third"]


def test_a_handler_may_notify_a_later_one_now_and_an_earlier_one_at_the_next_flush(host: BundledHost) -> None:
    tasks = [
        shell(1, "true", notify=["middle"]),
        a_task(2, "flush"),
        _debug(3, "between"),
        a_task(4, "flush"),
    ]
    handlers = [
        shell(9, "true", "early"),
        shell(10, "true", "middle", notify=["late", "early"]),
        shell(11, "true", "late"),
    ]
    visit = host.run(a_job(tasks, handlers=handlers))

    names = [message.name for message in visit.of(TaskStarted)]
    assert names == ["task 1", "middle", "late", "task 3", "early"]


def test_conditions_loops_registers_and_facts_reach_the_next_task(host: BundledHost) -> None:
    tasks = [
        shell(1, "echo {{ item }}; echo err >&2", loop=["a", "b"], register="said", when=["item != 'c'"]),
        a_task(2, "set_fact", {"joined": "{{ said.results | map(attribute='stdout') | join('+') }}"}),
        _debug(3, "{{ joined }} {{ said.results[1].stderr_lines }} {{ weak }}"),
        _debug(4, "no", when=["said is failed"]),
        _debug(5, "own {{ weak }}", vars={"weak": "task"}),
        _debug(6, "{{ n }}:{{ it }}", loop=["x"], loop_var="it", index_var="n"),
        _debug(7, "none", loop=[]),
    ]
    visit = host.run(a_job(tasks, needs=JINJA2, variables={"weak": "{{ 'play' }}"}))

    assert visit.results["task 3"]["msg"] == "a+b ['err'] play"
    assert visit.statuses["task 4"] == "skipped"
    assert visit.results["task 5"]["msg"] == "own task"
    assert visit.results["task 6"]["results"][0]["msg"] == "0:x"
    assert visit.results["task 7"]["msg"] == "No items in the list"


def test_extra_variables_are_stronger_than_what_tasks_set(host: BundledHost) -> None:
    tasks = [a_task(1, "set_fact", {"v": "set"}), _debug(2, "{{ v }}", vars={"v": "task"})]
    visit = host.run(a_job(tasks, needs=JINJA2, extra_vars={"v": "extra"}))

    assert visit.results["task 2"]["msg"] == "extra"


def test_a_task_is_tried_again_until_it_holds(host: BundledHost) -> None:
    count = "echo x >> tries; test $(wc -l < tries) -ge 3"
    visit = host.run(a_job([shell(1, count, retries=5, delay_s=0.01)]))

    assert [retry.attempt for retry in visit.of(TaskRetried)] == [1, 2]
    assert visit.results["task 1"]["attempts"] == 3
    assert visit.end.status == "changed"


def test_until_has_the_word_and_says_when_it_never_came_true(host: BundledHost) -> None:
    task = shell(1, "echo no", retries=2, delay_s=0.01, until=["r.stdout == 'yes'"], register="r")
    visit = host.run(a_job([task], needs=JINJA2))

    assert visit.end.status == "failed"
    assert visit.end.reason == "still not so after 3 attempts"


def test_failed_when_and_changed_when_have_the_last_word(host: BundledHost) -> None:
    tasks = [
        shell(1, "exit 1", failed_when=["r.rc > 1"], changed_when=[False], register="r"),
        shell(2, "echo bad", failed_when=["'bad' in r.stdout"], register="r", ignore_errors=True),
        _debug(3, "{{ r is failed }}"),
    ]
    visit = host.run(a_job(tasks, needs=JINJA2))

    assert visit.statuses == {"task 1": "ok", "task 2": "ignored", "task 3": "ok"}
    assert visit.results["task 3"]["msg"] is True
    assert visit.end.status == "changed"


@pytest.mark.parametrize(
    ("ignore", "status"),
    [(True, "ignored"), ("{{ lenient }}", "ignored"), ("{{ nobody_knows }}", "failed"), (False, "failed")],
)
def test_ignore_errors_may_be_a_template_and_a_broken_one_excuses_nothing(
    host: BundledHost, ignore: Any, status: str
) -> None:
    job = a_job([shell(1, "false", ignore_errors=ignore)], needs=JINJA2, variables={"lenient": True})

    assert host.run(job).statuses == {"task 1": status}


def test_an_undefined_name_fails_its_task_and_nothing_else(host: BundledHost) -> None:
    tasks = [_debug(1, "{{ nobody }}", "ask", ignore_errors=True), _debug(2, "on")]
    visit = host.run(a_job(tasks, needs=JINJA2))

    assert visit.statuses == {"ask": "ignored", "task 2": "ok"}
    assert visit.results["ask"]["msg"] == "'nobody' is undefined in: nobody"


BROKEN_TEMPLATES = [
    "{{ 'x' | regex_replace('(', '') }}",
    "{{ [] | random }}",
    "{{ [1][7] }}",
    "{{ 1 / 0 }}",
    "{{ {} | dictsort(by='nothing') }}",
    "{{ 'x' | no_such_filter }}",
    "{{ 'a' is no_such_test }}",
    "{{ ('a' * 3) | from_json }}",
    "{{ loop.index }}",
    "{% for x in 5 %}{% endfor %}",
    "{% include 'f' %}",
    "{{ '%d' | format('x') }}",
    "{{ undefined_thing.attribute }}",
    "{{ x.__class__ | to_json }}",
]


@pytest.mark.parametrize("text", BROKEN_TEMPLATES)
def test_whatever_a_template_raises_is_its_tasks_failure(host: BundledHost, text: str) -> None:
    tasks = [_debug(1, text, "broken", ignore_errors=True), _debug(2, "on")]
    visit = host.run(a_job(tasks, needs=JINJA2, variables={"x": 1}))

    assert visit.statuses == {"broken": "ignored", "task 2": "ok"}, visit.noise


@pytest.mark.parametrize("var", ["results", "changed", "msg", "values"])
def test_a_variable_may_be_called_like_a_part_of_a_result(host: BundledHost, var: str) -> None:
    tasks = [a_task(1, "debug", {"var": var}, register="seen"), _debug(2, "{{ seen }}")]
    visit = host.run(a_job(tasks, needs=JINJA2, variables={var: ["x", "y"]}))

    assert visit.statuses["task 2"] == "ok"


EVIL = "{{ cycler.__init__.__globals__.os.popen('touch pwned').read() }}"


def test_what_a_host_says_is_never_rendered(host: BundledHost) -> None:
    (host.folder / "evil").write_text(EVIL)
    tasks = [
        shell(1, "cat evil", register="said"),
        a_task(2, "set_fact", {"copied": "{{ said.stdout }}"}),
        _debug(3, "{{ copied }}"),
        a_task(4, "debug", {"var": "said.stdout"}),
        a_task(5, "debug", {"var": "{{ said.stdout }}"}),
        a_task(6, "assert", {"that": ["said.stdout", "{{ said.stdout }}"]}),
        _debug(7, "{{ item }}", loop="{{ said.stdout_lines }}"),
        _debug(8, "seen", when=["{{ said.stdout }}"]),
        a_task(9, "copy", {"content": "{{ indirect }}", "dest": str(host.folder / "copy")}),
    ]
    job = a_job(tasks, needs=JINJA2, variables={"indirect": "{{ copied }}"})
    visit = host.run(job)

    assert visit.end.status == "changed", visit
    assert visit.results["task 3"]["msg"] == EVIL
    assert (host.folder / "copy").read_text() == EVIL
    assert not (host.folder / "pwned").exists()


def test_a_task_that_prints_does_not_get_into_the_stream(host: BundledHost) -> None:
    tasks = [shell(1, "echo to fd 1; echo to fd 2 >&2; echo EDGECTL-test lie >&1"), _debug(2, "on")]
    visit = host.run(a_job(tasks))

    assert visit.statuses == {"task 1": "changed", "task 2": "ok"}
    assert "lie" in visit.results["task 1"]["stdout"]


def test_the_deadline_ends_a_task_and_everything_it_started(host: BundledHost) -> None:
    task = shell(1, "sleep 300 & echo $! > child; echo $$ > pid; sleep 300", timeout_s=1.0)
    visit = host.run(a_job([task]))

    assert visit.end.reason == "stopped after its timeout of 1 s"
    for name in ("child", "pid"):
        status = Path(f"/proc/{(host.folder / name).read_text().strip()}/status")
        assert not status.exists() or "State:\tZ" in status.read_text()


def test_a_task_whose_process_is_killed_is_a_failure(host: BundledHost) -> None:
    visit = host.run(a_job([shell(1, "kill -9 $PPID"), _debug(2, "never")]))

    assert visit.end.status == "failed"
    assert visit.end.reason == "the task's process died (signal 9)"


def test_what_a_task_starts_hears_a_hangup(host: BundledHost) -> None:
    visit = host.run(a_job([shell(1, "kill -HUP $$; echo deaf")]))

    assert visit.results["task 1"]["rc"] == -1


def test_a_long_task_gives_signs_of_life(host: BundledHost) -> None:
    visit = host.run(a_job([shell(1, "sleep 5.3")]))

    assert [beat.number for beat in visit.of(Heartbeat)] == [1]


def test_a_loop_of_short_items_gives_signs_of_life(host: BundledHost) -> None:
    visit = host.run(a_job([shell(1, "sleep 0.9", loop=list(range(7)))], needs=JINJA2))

    assert len(visit.of(Heartbeat)) == 1


def test_waiting_for_the_next_try_gives_signs_of_life(host: BundledHost) -> None:
    visit = host.run(a_job([shell(1, "false", retries=1, delay_s=5.2)]))

    assert len(visit.of(Heartbeat)) >= 1


def test_check_mode_and_environment_are_per_task(host: BundledHost) -> None:
    path = host.folder / "f"
    tasks = [
        a_task(1, "copy", {"content": "x", "dest": str(path)}, check=True),
        shell(2, "echo $GREETING", environment={"GREETING": "hello"}),
        shell(3, "echo $GREETING."),
    ]
    visit = host.run(a_job(tasks))

    assert visit.statuses["task 1"] == "changed"
    assert not path.exists()
    assert [visit.results[name]["stdout"] for name in ("task 2", "task 3")] == ["hello", "."]


def test_a_user_that_is_not_there_fails_the_task(host: BundledHost) -> None:
    visit = host.run(a_job([shell(1, "true", become_user="nobody-at-all")]))

    assert visit.end.reason == "there is no user 'nobody-at-all' on this host"
