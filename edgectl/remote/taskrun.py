"""One task: its condition, its loop, its attempts, and the verdict. What it does is the module's business."""

from __future__ import annotations

import os

from edgectl.remote import registry
from edgectl.remote.args import ArgumentError, build
from edgectl.remote.beats import wait
from edgectl.remote.child import Children, Identity, identity_of
from edgectl.remote.context import HostPaths, TaskContext
from edgectl.remote.job import FLATTENED, ITEMS_OF, Play, Task
from edgectl.remote.lean import Any, Callable, Dict, List, NamedTuple, Optional
from edgectl.remote.proc import Proc
from edgectl.remote.result import TaskResult
from edgectl.remote.scope import Scope, with_lines
from edgectl.remote.spill import Shelf

Result = Dict[str, Any]


class Surroundings(NamedTuple):
    """What all tasks of a job share."""

    scope: Scope
    paths: HostPaths
    blobs: Dict[str, bytes]
    login: Optional[Identity]  # whom a task that does not become runs as; None: as the runner itself
    children: Children
    on_beat: Callable[..., None] = lambda _idle_s, _moved=None: None
    on_retry: Callable[[int, str], None] = lambda _attempt, _msg: None


def run_task(task: Task, play: Play, around: Surroundings) -> Result:
    """Run a task to its result, in Ansible's form: changed, failed, skipped, msg and the module's values."""
    if task.loop is None:
        return _run_item(task, play, around, {})
    try:
        items = items_of(around.scope.render(task.loop, around.scope.variables(play, task.vars)))
    except ValueError as error:
        # As in Ansible, a list that is not there is no fault of a task whose condition is false without it.
        return _skipped(task, play, around, {}) or _broken(str(error))
    if not isinstance(items, list):
        return _broken(f"'loop' must be a list, not {items!r}")
    return _folded([_run_loop_item(task, play, around, number, item) for number, item in enumerate(items)])


def items_of(loop: Any) -> Any:
    """Return what a loop goes over; one that is written as a mapping is `with_items` or `with_dict`."""
    if not isinstance(loop, dict) or not {FLATTENED, ITEMS_OF} & set(loop):
        return loop
    if ITEMS_OF in loop:
        pairs = loop[ITEMS_OF]
        return [{"key": key, "value": pairs[key]} for key in pairs] if isinstance(pairs, dict) else pairs
    listed = loop[FLATTENED] if isinstance(loop[FLATTENED], list) else [loop[FLATTENED]]
    return [item for one in listed for item in (one if isinstance(one, list) else [one])]


def _run_loop_item(task: Task, play: Play, around: Surroundings, number: int, item: Any) -> Result:
    around.on_beat(0.0)
    names = {task.loop_var: item}
    if task.index_var:
        names[task.index_var] = number
    return {**_run_item(task, play, around, names), task.loop_var: item, "ansible_loop_var": task.loop_var}


def _folded(results: List[Result]) -> Result:
    """Return one result for a whole loop."""
    every_skipped = bool(results) and all(result.get("skipped") for result in results)
    bad = [result for result in results if result.get("failed")]
    folded: Result = {
        "results": results,
        "changed": any(result.get("changed") for result in results),
        "failed": bool(bad),
        "msg": bad[0].get("msg", "") if bad else "All items completed",
    }
    if every_skipped or not results:
        folded["skipped"] = True
        folded["msg"] = "All items skipped" if results else "No items in the list"
    return folded


def _run_item(task: Task, play: Play, around: Surroundings, items: Dict[str, Any]) -> Result:
    try:
        return _skipped(task, play, around, items) or _attempts(task, play, around, items)
    except ValueError as error:
        return _broken(str(error))


def _skipped(task: Task, play: Play, around: Surroundings, items: Dict[str, Any]) -> Optional[Result]:
    """Return the result of a task whose condition is false, or None where it holds."""
    try:
        condition = around.scope.all_true(task.when, around.scope.variables(play, task.vars, items))
    except ValueError as error:
        return _broken(str(error))
    if condition is None:
        return None
    return {
        "skipped": True,
        "changed": False,
        "skip_reason": "Conditional result was False",
        "false_condition": condition,
    }


def _attempts(task: Task, play: Play, around: Surroundings, items: Dict[str, Any]) -> Result:
    """Try until `until` holds (or the task does not fail), at most `retries` times more."""
    attempts = task.retries + 1 if task.retries else 1
    result: Result = {}
    for attempt in range(1, attempts + 1):
        result = _judged(task, play, around, items, _act(task, play, around, items))
        if task.retries:
            result["attempts"] = attempt
        if _is_settled(task, play, around, items, result):
            return result
        if attempt < attempts:
            around.on_retry(attempt, str(result.get("msg", "")))
            wait(task.delay_s, around.on_beat)
    return {**result, "failed": True, "msg": result.get("msg") or f"still not so after {attempts} attempts"}


def _is_settled(task: Task, play: Play, around: Surroundings, items: Dict[str, Any], result: Result) -> bool:
    if task.until is None:
        return not (task.retries and result.get("failed"))
    names = _naming(task, items, result)
    return around.scope.all_true(task.until, around.scope.variables(play, task.vars, names)) is None


def _judged(task: Task, play: Play, around: Surroundings, items: Dict[str, Any], result: Result) -> Result:
    """Let `failed_when` and `changed_when` have the last word."""
    if task.failed_when is None and task.changed_when is None:
        return result
    names = _naming(task, items, result)
    variables = around.scope.variables(play, task.vars, names)
    judged = dict(result)
    if task.changed_when is not None:
        judged["changed"] = around.scope.all_true(task.changed_when, variables) is None
    if task.failed_when is not None:
        judged["failed"] = around.scope.all_true(task.failed_when, variables) is None
        judged["failed_when_result"] = judged["failed"]
        if judged["failed"] and not judged.get("msg"):
            judged["msg"] = f"failed_when holds: {' and '.join(map(str, task.failed_when))}"
    return judged


def _naming(task: Task, items: Dict[str, Any], result: Result) -> Dict[str, Any]:
    """Return what a task's own conditions see beside all else: its item, and its result by the registered name."""
    return {**items, task.register: with_lines(result)} if task.register else items


def _act(task: Task, play: Play, around: Surroundings, items: Dict[str, Any]) -> Result:
    variables = around.scope.variables(play, task.vars, items)
    module = registry.load(task.module)
    environment = around.scope.render(task.environment, variables)
    request = {
        "number": task.index,
        "module": task.module,
        "args": _arguments(task, around, variables),
        "check": task.check,
        "diff": task.diff,
        "environment": {name: str(value) for name, value in environment.items()},
    }
    if getattr(module, "PURE", False):
        return perform(request, around.paths, around.blobs, None)
    try:
        identity = _identity(task, around)
    except KeyError:
        return _broken(f"there is no user '{task.become_user}' on this host")
    return around.children.run(
        request,
        identity=identity,
        shared=getattr(module, "STARTS_NOTHING", False),
        timeout_s=task.timeout_s,
        on_beat=around.on_beat,
    )


def touched(task: Task, play: Play, around: Surroundings) -> List[str]:
    """Return the files that a task is about, before it is done. `ValueError` where a template cannot be rendered."""
    name = getattr(registry.load(task.module), "TOUCHES", None)
    if name is None:
        return []
    given = _arguments(task, around, around.scope.variables(play, task.vars))
    path = getattr(build(registry.load(task.module).Args, given, internal=True), name)
    return [os.path.abspath(os.path.expanduser(path))]


def perform(
    request: Dict[str, Any],
    paths: HostPaths,
    blobs: Dict[str, bytes],
    shelf: Optional[Shelf],
    tell: Callable[[int, int], Any] = lambda _done, _total: None,
) -> Result:
    """Build the arguments and run the module, with the task's environment for as long as it runs."""
    module = registry.load(request["module"])
    context = TaskContext(
        request["check"], request["diff"], Proc({}, shelf, str(request["number"])), paths, blobs, tell
    )
    given = request["args"]
    try:
        args = given if getattr(module, "FREE_KEYS", False) else build(module.Args, given, internal=True)
    except ArgumentError as error:
        return _broken(str(error))
    before = dict(os.environ)
    os.environ.update(request["environment"])
    try:
        answer = module.run(args, context)
        if not isinstance(answer, TaskResult):
            return _broken(f"the module's run returned a {type(answer).__name__}, not a TaskResult")
        return dict(answer.as_dict())
    finally:
        if request["environment"]:
            os.environ.clear()
            os.environ.update(before)


def _identity(task: Task, around: Surroundings) -> Optional[Identity]:
    if task.become_user is None:
        return around.login
    wanted = identity_of(task.become_user)
    if wanted.uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        raise ArgumentError(
            "become_user", f"only root can become '{task.become_user}'; log in as root or use sudo"
        )
    return wanted


def _arguments(task: Task, around: Surroundings, variables: Any) -> Dict[str, Any]:
    """Return the module's arguments with all templates rendered."""
    if task.module == "assert":
        return _assertions(task, around, variables)
    # `var` is an expression already: rendering it first would run what a host put into a variable.
    written = {name: value for name, value in task.args.items() if (task.module, name) != ("debug", "var")}
    given = dict(around.scope.render(written, variables))
    if task.module == "debug" and task.args.get("var") is not None:
        given["var"] = str(task.args["var"])
        given["value"] = around.scope.value_of(given["var"], variables)
    template = task.template
    if task.by_src:
        sent = dict(task.by_src[str(given["src"])])
        template = sent.pop("template", None)
        given.update(sent)
    if template is not None:
        text = around.blobs[template].decode()
        options = {name: bool(given[name]) for name in ("trim_blocks", "lstrip_blocks") if name in given}
        given["content"] = around.scope.render_file(text, variables, options)
    return given


def _assertions(task: Task, around: Surroundings, variables: Any) -> Dict[str, Any]:
    that = task.args["that"]
    expressions = that if isinstance(that, list) else [that]
    rest = around.scope.render(
        {name: value for name, value in task.args.items() if name != "that"}, variables
    )
    verdicts = [
        {"assertion": str(text), "evaluated_to": around.scope.all_true([text], variables) is None}
        for text in expressions
    ]
    return {**rest, "that": verdicts}


def _broken(msg: str) -> Result:
    return {"failed": True, "changed": False, "msg": msg}
