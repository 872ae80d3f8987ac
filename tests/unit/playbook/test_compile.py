"""What the controller decides and renders, what it leaves to the host, and what it refuses before either."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.playbook.compile import Options
from tests.unit.playbook.compiling import job_of, refusal_of, tasks_of

RENDERED = [
    ("msg: '{{ n }}'", {"n": 3}, 3),
    ("msg: 'n is {{ n }}'", {"n": 3}, "n is 3"),
    ("msg: '{{ a }}'", {"a": "{{ b }}", "b": "{{ c }}", "c": [1]}, [1]),
    ("msg: '{{ nobody | default(7) }}'", {}, 7),
    ("msg: '{{ inventory_hostname }} {{ pop }} {{ metro }}'", {}, "fra1-n01 fra1 FRA"),
    ("msg: {k: ['{{ n }}']}", {"n": 3}, {"k": [3]}),
]


@pytest.mark.parametrize(("args", "variables", "value"), RENDERED)
def test_what_is_known_for_good_is_rendered_here(args: str, variables: Any, value: Any) -> None:
    (task,) = tasks_of(f"  tasks: [{{debug: {{{args}}}}}]\n", **variables)

    assert task.args["msg"] == value


DEFERRED = [
    "tasks:\n    - {command: ls, register: x}\n    - {debug: {msg: '{{ x }}'}}",
    "tasks:\n    - {set_fact: {x: 1}}\n    - {debug: {msg: '{{ x }}'}}",
    "vars: {y: '{{ x }}'}\n  tasks:\n    - {command: ls, register: x}\n    - {debug: {msg: '{{ y }}'}}",
    "tasks:\n    - {debug: {msg: '{{ x }}'}, vars: {x: 1}}",
    "tasks:\n    - {debug: {msg: '{{ x }}'}, loop: [1], loop_control: {loop_var: x}}",
    "tasks:\n    - {debug: {msg: '{{ ansible_hostname }}'}}",
    "tasks:\n    - {debug: {msg: '{{ x }}'}}\n    - {command: ls, register: x}",
]


@pytest.mark.parametrize("text", DEFERRED)
def test_what_a_host_may_bind_is_left_to_the_host(text: str) -> None:
    job = job_of(f"- hosts: all\n  gather_facts: false\n  {text}\n", x="of the inventory")

    debug = next(task for task in job.plays[0].tasks if task.module == "debug")
    assert "{{" in debug.args["msg"]
    assert "jinja2" in job.needs


def test_what_one_play_registers_the_next_one_leaves_to_the_host() -> None:
    job = job_of(
        "- {hosts: all, gather_facts: false, tasks: [{command: ls, register: x}]}\n"
        "- {hosts: all, gather_facts: false, tasks: [{debug: {msg: '{{ x.stdout }}'}}]}\n"
    )

    assert job.plays[1].tasks[0].args["msg"] == "{{ x.stdout }}"


def test_a_job_without_templates_needs_no_jinja2_and_sends_no_variables() -> None:
    job = job_of("- {hosts: all, tasks: [{debug: {msg: '{{ a }}'}}]}\n", a=1, b=2)

    assert (job.needs, job.plays[0].vars, job.extra_vars) == ([], {}, {})


def test_only_the_variables_that_the_host_renders_with_travel() -> None:
    job = job_of(
        "- hosts: all\n  tasks:\n    - {command: ls, register: r}\n    - {debug: {msg: '{{ r }} {{ a }} {{ e }}'}}\n",
        options=Options(extra_vars={"e": 1, "unused": 2}),
        a="{{ b }}",
        b=1,
        c="not needed",
    )

    assert job.plays[0].vars == {"a": "{{ b }}", "b": 1, "e": 1}
    assert job.extra_vars == {"e": 1}


PRECEDENCE = [
    ({"v": "inventory"}, "", {}, "inventory"),
    ({"v": "inventory"}, "  vars: {v: play}\n", {}, "play"),
    ({"v": "inventory"}, "  vars: {v: play}\n", {"v": "extra"}, "extra"),
]


@pytest.mark.parametrize(("inventory", "play", "extra", "value"), PRECEDENCE)
def test_extra_variables_beat_the_play_and_the_play_the_inventory(
    inventory: Any, play: str, extra: Any, value: str
) -> None:
    (task,) = tasks_of(
        f"{play}  tasks: [{{debug: {{msg: '{{{{ v }}}}'}}}}]\n",
        options=Options(extra_vars=extra),
        **inventory,
    )

    assert task.args["msg"] == value


UNPARSED = "the template cannot be parsed:"
UNDEFINED = [
    ("debug: {msg: '{{ nobody }}'}", "3:20   'nobody' is undefined in: nobody"),
    ("debug: {msg: 'x'}, when: nobody", "3:31   'nobody' is undefined in: nobody"),
    ("debug: {msg: 'x'}, loop: '{{ nobody }}'", "3:31   'nobody' is undefined in: nobody"),
    ("debug: {msg: '{{ pop.nothing }}'}", "3:20   'str object' has no attribute 'nothing' in: pop.nothing"),
    ("debug: {msg: '{{ nobody '}", "3:20   the template cannot be parsed: "),
    ("debug: {msg: x}, when: 'pop ='", "3:29   the template cannot be parsed: "),
    (
        "debug: {msg: '{{ pop | uper }}'}",
        f"3:20   {UNPARSED} there is no filter 'uper'; did you mean 'upper'?",
    ),
    (
        "debug: {msg: x}, when: 'r is defind'",
        f"3:29   {UNPARSED} there is no test 'defind'; did you mean 'defined'?",
    ),
    (
        "debug: {msg: '{{ lookup(1) }}'}",
        f"3:20   {UNPARSED} 'lookup' is not supported; read it with `vars_files` or `-e @FILE`, ",
    ),
    (
        "debug: {msg: '{{ pop | password_hash }}'}",
        f"3:20   {UNPARSED} there is no filter 'password_hash'; put the hash itself into a secret",
    ),
    (
        "debug: {msg: x}, when: role is exists",
        f"3:29   {UNPARSED} there is no test 'exists'; ask the host with `stat`",
    ),
    (
        "debug: {msg: '{{ hostvars.x }}'}",
        f"3:20   {UNPARSED} 'hostvars' is not supported; put what several hosts",
    ),
    ("debug: {msg: x}, loop: {a: 1}", "3:29   'loop' must be a list, not {'a': 1}"),
    ("debug: {msg: '{{ 1 / 0 }}'}", "3:20   division by zero in: 1 / 0"),
    ("file: {path: /f, mode: '{{ m }}', state: touch}", "3:29   'mode' must be a file mode"),
    ("ping: , notify: nobody", "3:20   there is no handler 'nobody'"),
]


@pytest.mark.parametrize(("task", "told"), UNDEFINED)
def test_what_cannot_be_meant_is_told_with_its_place(task: str, told: str) -> None:
    assert refusal_of(f"  tasks: [{{{task}}}]\n", m="rw").startswith(f"play.yaml:{told}")


SURVIVING = [
    "when: [nobody is defined, nobody > 1]",
    "when: [false, nobody > 1]",
    "when: nobody is defined",
    "when: nobody | default(false)",
    "when: nobody is defined and nobody > 1",
]


@pytest.mark.parametrize("when", SURVIVING)
def test_a_name_behind_a_condition_that_does_not_hold_is_not_asked_for(when: str) -> None:
    (task,) = tasks_of(f"  tasks: [{{debug: {{msg: '{{{{ nobody + 1 / 0 }}}}'}}, {when}}}]\n")

    assert task.when == [False]


def test_a_later_condition_waits_for_an_earlier_one_that_only_the_host_knows() -> None:
    tasks = tasks_of(
        "  tasks:\n    - {command: ls, register: r}\n    - {ping: , when: [r.rc == 1, nobody > 1]}\n"
    )

    assert tasks[1].when == ["r.rc == 1", "nobody > 1"]


def test_a_handler_that_nobody_may_notify_may_use_what_is_not_there() -> None:
    job = job_of(
        "- hosts: all\n  tasks: [{command: ls, notify: h}]\n  handlers: [{name: h, debug: {msg: '{{ nobody }}'}}]\n"
    )

    assert job.plays[0].handlers[0].args["msg"] == "{{ nobody }}"


def test_a_notification_is_rendered_as_the_handlers_name_is() -> None:
    job = job_of(
        "- hosts: all\n  tasks: [{command: ls, notify: 'restart {{ s }}'}, {command: ls, notify: restart ssh}]\n"
        "  handlers: [{name: 'restart {{ s }}', ping: }]\n",
        s="ssh",
    )

    assert [task.notify for task in job.plays[0].tasks[:2]] == [["restart ssh"], ["restart ssh"]]
    assert job.plays[0].handlers[0].name == "restart ssh"


def test_a_handlers_own_notification_is_checked_too() -> None:
    told = refusal_of("  tasks: [{ping: }]\n  handlers: [{name: reload, command: ls, notify: relaod}]\n")

    assert told == "play.yaml:4:42   there is no handler 'relaod'; did you mean 'reload'?"


TAGS = [
    (["a"], [], "a always"),
    (["a", "b"], [], "a b always"),
    (["all"], [], "a b none always"),
    (["tagged"], [], "a b always"),
    (["untagged"], [], "none always"),
    (["never"], [], "always never"),
    (["n"], [], "always never"),
    ([], ["a"], "b none always"),
    ([], ["always"], "a b none"),
    ([], ["tagged"], "none always"),
    ([], ["untagged"], "a b"),
    (["a"], ["a"], "always"),
    (["nothing"], [], "always"),
]


@pytest.mark.parametrize(("tags", "skipped", "run"), TAGS)
def test_tags_choose_tasks_as_in_ansible(tags: list[str], skipped: list[str], run: str) -> None:
    options = Options(tags=frozenset(tags), skip_tags=frozenset(skipped))
    tasks = tasks_of(
        "  tasks:\n"
        "    - {name: a, ping: , tags: a}\n"
        "    - {name: b, ping: , tags: [b]}\n"
        "    - {name: none, ping: }\n"
        "    - {name: always, ping: , tags: always}\n"
        "    - {name: never, ping: , tags: [never, n]}\n",
        options=options,
    )

    assert " ".join(task.name for task in tasks) == run


def test_handlers_are_flushed_whatever_the_tags() -> None:
    options = Options(tags=frozenset({"a"}), skip_tags=frozenset({"always"}))
    job = job_of("- hosts: all\n  tasks: [{command: ls, tags: a}]\n", options=options)

    assert [task.module for task in job.plays[0].tasks] == ["command", "flush"]


@pytest.mark.parametrize(
    ("play", "gathers"),
    [
        ("tasks: [{debug: {msg: '{{ ansible_hostname }}'}}]", True),
        ("tasks: [{ping: , when: ansible_facts.hostname is defined}]", True),
        ("tasks: [{debug: {msg: '{{ ansible_check_mode }} {{ ansible_host }}'}}]", False),
        ("tasks: [{debug: {msg: '{{ pop }}'}}]", False),
        ("gather_facts: true\n  tasks: [{ping: }]", True),
        ("gather_facts: false\n  tasks: [{debug: {msg: '{{ ansible_hostname }}'}}]", False),
    ],
)
def test_facts_are_gathered_where_a_template_needs_them_or_the_play_says_so(play: str, gathers: bool) -> None:
    job = job_of(f"- hosts: all\n  {play}\n")

    assert (job.plays[0].tasks[0].module == "setup") is gathers


LEAKS = [
    "command: 'login {{ pw }}'",
    "shell: 'login {{ indirect }}'",
    "command: {argv: [login, '{{ pw }}']}",
]


@pytest.mark.parametrize("task", LEAKS)
def test_a_secret_on_a_command_line_is_refused(task: str) -> None:
    told = refusal_of(
        f"  secrets: {{pw: {{env: PW}}}}\n  vars: {{indirect: '-p{{{{ pw }}}}'}}\n  tasks: [{{{task}}}]\n"
    )

    assert "the secret 'pw' would be on a command line; pass it by `stdin` or `environment`" in told


def test_a_secret_travels_apart_and_unrendered() -> None:
    job = job_of(
        "- hosts: all\n  secrets: {pw: {env: PW}}\n"
        "  tasks: [{command: {cmd: login, stdin: '{{ pw }}'}, environment: {P: '{{ pw }}'}}]\n"
    )

    assert job.secrets == {"pw": "s3cret"}
    assert job.plays[0].tasks[0].args["stdin"] == "{{ pw }}"
    assert "s3cret" not in repr(job.plays)


@pytest.mark.parametrize(
    ("play", "task", "user"),
    [
        ("", "", None),
        ("become: true", "", "root"),
        ("become: true", "become: false", None),
        ("become: true\n  become_user: web", "", "web"),
        ("become_user: web", "become: true", "web"),
        ("become: true\n  become_user: web", "become_user: db", "db"),
        ("become: true\n  become_user: '{{ owner }}'", "", "ops"),
    ],
)
def test_a_task_becomes_whom_it_or_its_play_says(play: str, task: str, user: str | None) -> None:
    keywords = f", {task}" if task else ""
    extra = f"  {play}\n" if play else ""
    (compiled,) = tasks_of(f"{extra}  tasks: [{{ping: {keywords}}}]\n", owner="ops")

    assert compiled.become_user == user


def test_every_task_of_a_job_has_a_number_of_its_own_wherever_it_was_written() -> None:
    play = "{hosts: all, tasks: [{command: a}, {command: b}], handlers: [{name: h, command: c}]}"
    job = job_of(f"[{play}, {play}]\n")

    numbers = [task.index for one in job.plays for task in (*one.tasks, *one.handlers)]
    assert len(numbers) == len(set(numbers)) == 8


def test_until_without_retries_tries_as_often_as_ansible_does() -> None:
    tasks = tasks_of("  tasks:\n    - {command: a, until: r.rc == 0, register: r}\n    - {command: a}\n")

    assert [task.retries for task in tasks] == [3, 0]


@pytest.mark.parametrize(
    "task",
    [
        "{debug: {msg: '{{ r.stdout | from_yaml }}'}}",
        "{debug: {msg: x}, when: 'r | to_yaml is search(1)'}",
        "{debug: {msg: '{{ via }} {{ r }}'}}",
    ],
)
def test_the_library_for_yaml_travels_with_templates_that_ask_for_it(task: str) -> None:
    text = "- hosts: all\n  gather_facts: false\n  tasks:\n  - {command: id, register: r}\n  - "
    assert job_of(text + task + "\n", via="{{ r | to_yaml }}").needs == ["jinja2", "yaml"]
    assert job_of(text + "{debug: {msg: '{{ r }}'}}\n", via="{{ r | to_yaml }}").needs == ["jinja2"]
