"""Programs in Ansible's dialect, built at random: modules, control structures, and expressions over what they did."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# A program works in a folder of its own, `@`; few names, so that tasks meet each other's files and results.
_FILES = ["@/a", "@/b", "@/d/a", "@/d/e/a"]
_FOLDERS = ["@/d", "@/d/e", "@/x"]
_REGISTERS = ["r1", "r2", "r3"]
_FACTS = ["f1", "f2"]
_WORDS = ["alpha", "beta", "gamma\ndelta", "", "x = 1", "  led", "ü"]
_VARS: dict[str, Any] = {
    "word": "alpha",
    "number": 3,
    "yes": True,
    "no": False,
    "names": ["alpha", "beta", "gamma"],
    "pairs": {"one": 1, "two": 2},
    "users": [{"name": "ann", "uid": 7, "groups": ["a", "b"]}, {"name": "bob", "uid": 5, "groups": []}],
    "behind": "{{ word }}-{{ number + 1 }}",
}
_VALUES = [
    "{{ word }}",
    "{{ behind | upper }}",
    "{{ number * 2 }}",
    "{{ names | join(',') }}",
    "{{ pairs | to_json }}",
    "{{ users | map(attribute='name') | list }}",
    "{{ users | selectattr('uid', 'gt', 5) | map(attribute='name') | first }}",
    "{{ word | regex_replace('a', 'o') }}",
    "{{ names | difference(['beta']) | sort | last }}",
    "{{ missing | default('none') }}",
    "{{ pairs | dict2items | map(attribute='key') | sort | join }}",
    "{{ word is match('al') }}",
    "{{ number | string }}",
    "{% for n in names %}{{ n[0] }}{% endfor %}",
    "{{ word | hash('sha1') }}",
    "{{ 'a' if yes else 'b' }}",
    "{{ f1 | default(word) }}",
    "{{ f2 | default(number) }}",
    "{{ (r1 | default({})).rc | default('no rc') }}",
    "{{ (r2 | default({})).stdout | default('') }}",
    "{{ (r3 | default({'changed': false})) is changed }}",
    "{{ (r1 | default({})).skipped | default(false) }}",
    "plain text\n",
    "7",
    "",
]
_CONDITIONS: list[Any] = [
    True,
    False,
    "yes",
    "not no",
    "number > 2",
    "number == 3 and word == 'alpha'",
    "word in names",
    "missing is defined",
    "f1 is defined",
    "r1 is defined and r1 is changed",
    "r1 is defined and r1 is failed",
    "r2 is defined and r2 is skipped",
    "r3 is not defined or r3 is succeeded",
    "(r2 | default({})).rc | default(1) == 0",
    "names | length > 2",
    ["yes", "number < 9"],
    "(f2 | default('')) | string | length > 1",
    "pairs.one == 1",
    "users[0].uid in [5, 7]",
]
_LOOPS: list[Any] = [
    ["one", "two"],
    "{{ names }}",
    "{{ range(2) | list }}",
    [],
    "{{ pairs | dict2items }}",
    "{{ users }}",
    ["{{ word }}", 2],
    [{"name": "x"}, {"name": "y"}],
]


def _texts() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(_WORDS), st.sampled_from(_VALUES))


def _made(module: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a task of a module; an argument whose name ends in `_` may be left out."""
    needed = {name: values for name, values in arguments.items() if not name.endswith("_")}
    optional = {name.rstrip("_"): values for name, values in arguments.items() if name.endswith("_")}
    return st.fixed_dictionaries(needed, optional=optional).map(lambda args: {module: args})


def _actions() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(*_file_actions(), *_line_actions(), *_other_actions())


def _file_actions() -> list[st.SearchStrategy[dict[str, Any]]]:
    file, folder = st.sampled_from(_FILES), st.sampled_from(_FOLDERS)
    modes = st.sampled_from(["0644", "0600", "u=rw,g=r,o=", "a+x"])
    folder_modes = st.sampled_from(["0755", "0700"])
    return [
        _made("copy", dest=file, content=_texts(), mode_=modes, force_=st.booleans()),
        _made("file", path=folder, state=st.just("directory"), mode_=folder_modes),
        _made("file", path=st.one_of(file, folder), state=st.just("absent")),
        _made("file", path=file, state=st.just("touch")),
        _made("file", path=file, mode=modes),
        _made("stat", path=st.one_of(file, folder)),
        _made("slurp", src=file),
    ]


def _line_actions() -> list[st.SearchStrategy[dict[str, Any]]]:
    # A list where a text is wanted is refused on purpose.
    texts = _texts().filter(lambda text: not text.endswith("| list }}"))
    file, lines = st.sampled_from(_FILES), texts.filter(lambda text: "\n" not in text and text != "")
    patterns, places = st.sampled_from(["^a", "x", "a$"]), st.sampled_from(["EOF", "^b"])
    marker, yes = st.just("# {mark} M"), st.booleans()
    return [
        _made("lineinfile", path=file, line=lines, create_=yes, regexp_=patterns, insertafter_=places),
        _made("lineinfile", path=file, regexp=patterns, state=st.just("absent")),
        _made("blockinfile", path=file, block=texts, create_=yes, marker_=marker),
        _made("replace", path=file, regexp=st.just("a"), replace=st.sampled_from(["o", "", "{{ word }}"])),
    ]


def _other_actions() -> list[st.SearchStrategy[dict[str, Any]]]:
    commands = st.sampled_from(
        [
            "echo {{ word }}",
            "cat @/a",
            "test -e @/b",
            "sh -c 'echo out; echo err >&2; exit 3'",
            "false",
            "printf '%s' x",
        ]
    )
    facts = st.dictionaries(st.sampled_from(_FACTS), st.sampled_from(_VALUES), min_size=1)
    return [
        _made("command", cmd=commands, creates_=st.sampled_from(_FILES)),
        st.sampled_from(["echo aa | tr a o; false", "echo aaa | tr a o"]).map(lambda text: {"shell": text}),
        facts.map(lambda given: {"set_fact": given}),
        _made("debug", msg=_texts()),
        _made("assert", that=st.sampled_from(_CONDITIONS[3:])),
        _made("fail", msg=st.sampled_from(["no", "{{ word }}"])),
        st.just({"meta": "flush_handlers"}),
    ]


_KEYWORDS = {
    "when": st.sampled_from(_CONDITIONS),
    "register": st.sampled_from(_REGISTERS),
    "ignore_errors": st.just(True),
    "changed_when": st.sampled_from([False, True, "number > 5"]),
    "failed_when": st.sampled_from([False, "number > 5"]),
    "notify": st.sampled_from(["h1", "h2", "both", ["h1", "h2"]]),
    "vars": st.sampled_from([{"word": "own"}, {"number": 8}, {"extra": "{{ word }}"}]),
    "environment": st.sampled_from([{"WORD": "{{ word }}"}]),
}


@st.composite
def _task(draw: st.DrawFn) -> dict[str, Any]:
    action = draw(_actions())
    if "meta" in action:
        return action
    keywords = draw(st.fixed_dictionaries({}, optional=_KEYWORDS))
    # Half of the keywords at most, so that many tasks are plain.
    kept = {name: value for name, value in keywords.items() if draw(st.booleans())}
    if draw(st.integers(0, 4)) == 0:
        kept |= _looped(draw)
    elif draw(st.integers(0, 9)) == 0 and "register" in kept:
        kept |= {"until": f"{kept['register']} is succeeded", "retries": 2, "delay": 0}
    return {**action, **kept}


def _looped(draw: st.DrawFn) -> dict[str, Any]:
    items = draw(st.sampled_from(_LOOPS))
    word = draw(st.sampled_from(["loop", "loop", "with_items"]))
    controls: list[dict[str, Any]] = [{}, {"loop_control": {"loop_var": "one", "index_var": "at"}}]
    control = draw(st.sampled_from(controls))
    return {word: items, **control}


def _tasks(depth: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = _task()
    if depth:
        one = st.one_of(one, one, one, _block(depth - 1))
    return st.lists(one, min_size=1, max_size=5 if depth else 3)


@st.composite
def _block(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    inside = _tasks(depth)
    found: dict[str, Any] = {"block": draw(inside)}
    for name in ("rescue", "always"):
        if draw(st.booleans()):
            found[name] = draw(inside)
    if draw(st.booleans()):
        found["when"] = draw(st.sampled_from(_CONDITIONS))
    if draw(st.integers(0, 3)) == 0:
        found["vars"] = {"word": "of the block"}
    return found


def _handlers() -> list[dict[str, Any]]:
    return [
        {"name": "h1", "shell": "echo h1 >> @/handled"},
        {"name": "h2", "listen": "both", "shell": "echo h2 >> @/handled"},
        {"name": "h3", "listen": "both", "copy": {"dest": "@/b", "content": "{{ word }} handled\n"}},
    ]


@st.composite
def programs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a play; `@` stands for the folder it works in."""
    return {"gather_facts": False, "vars": _VARS, "tasks": draw(_tasks(2)), "handlers": _handlers()}


def placed(program: Any, folder: str) -> Any:
    """Return a program that works in this folder."""
    if isinstance(program, str):
        return program.replace("@", folder)
    if isinstance(program, dict):
        return {key: placed(value, folder) for key, value in program.items()}
    return [placed(value, folder) for value in program] if isinstance(program, list) else program


def named(tasks: list[dict[str, Any]], mark: str, count: list[int]) -> list[dict[str, Any]]:
    """Return tasks with names by which both tools' words are compared: the program's mark and a number."""
    found: list[dict[str, Any]] = []
    for task in tasks:
        if "block" in task:
            sections: dict[str, Any] = {
                name: named(task[name], mark, count) for name in ("block", "rescue", "always") if name in task
            }
            found.append({**task, **sections})
        else:
            count[0] += 1
            found.append({"name": f"{mark} {count[0]} {next(iter(task))}", **task})
    return found
