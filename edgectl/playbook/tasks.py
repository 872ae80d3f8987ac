"""Lists of tasks as they are written: tasks, blocks, and files and roles that stand in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from edgectl.complaints import did_you_mean, validate
from edgectl.errors import InputError, Problem
from edgectl.playbook.args import check_arguments, free_form_arguments
from edgectl.playbook.model import Section, TaskSpec
from edgectl.playbook.roles import Role, RoleError, find_role
from edgectl.playbook.schema import (
    INSTEAD,
    INSTEAD_OF_MODULES,
    TASK_KEYWORDS,
    AroundSchema,
    BlockSchema,
    TaskKeywords,
)
from edgectl.remote.job import FLATTENED, FLUSH, ITEMS_OF
from edgectl.remote.registry import MODULES, OWN
from edgectl.remote.template import is_template
from edgectl.yaml_source import Document, load

Steps = tuple[str | int, ...]

PREFIXES = ("ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.general.")
_FILES, _ROLES = ("import_tasks", "include_tasks"), ("import_role", "include_role")
_SECTIONS = {"block": Section.BLOCK, "rescue": Section.RESCUE, "always": Section.ALWAYS}
# Deeper than anybody writes, and far from where Python gives up.
_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a list of tasks and goes for each of them, unless it says otherwise."""

    tags: frozenset[str] = frozenset()
    when: tuple[Any, ...] = ()
    vars: Mapping[str, Any] = field(default_factory=dict)
    notify: tuple[str, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    become: bool | None = None
    become_user: str | None = None
    ignore_errors: Any = None
    check_mode: bool | None = None
    diff: bool | None = None
    no_log: bool | None = None
    timeout_s: float | None = None
    within: tuple[tuple[int, Section], ...] = ()
    folders: tuple[Path, ...] = ()
    role: str = ""

    def named(self, name: str) -> str:
        """Return a task's name as it is told: behind its role's, as in Ansible."""
        return f"{self.role} : {name}" if self.role else name

    def and_inside(self, said: AroundSchema) -> Around:
        """Return this with what a block, an include or a role says in it; what is further inside is stronger."""
        switches = {
            name: getattr(said, name) for name in ("become", "ignore_errors", "check_mode", "diff", "no_log")
        }
        return replace(
            self,
            tags=self.tags | set(said.tags),
            when=(*self.when, *said.when),
            vars={**self.vars, **said.vars},
            notify=(*self.notify, *said.notify),
            environment={**self.environment, **said.environment},
            become_user=said.become_user or self.become_user,
            timeout_s=said.timeout or self.timeout_s,
            **{name: value for name, value in switches.items() if value is not None},
        )


class TaskReader:
    """Reads lists of tasks of one play, collecting complaints in place of stopping at the first."""

    def __init__(self, playbook: Path) -> None:
        self._playbook = playbook
        self._numbers = count()
        self._chain: tuple[Path, ...] = ()
        self.problems: list[Problem] = []
        self.files: list[Path] = []
        self.roles: list[Role] = []

    def tasks(self, raw: Any, document: Document, at: Steps, around: Around) -> Iterator[TaskSpec]:
        """Yield the tasks of a list, those of its blocks, files and roles in their places."""
        if not isinstance(raw, list):
            self._complain("a list of tasks is wanted: start each with `- `", document, at)
            return
        for number, one in enumerate(raw):
            yield from self._entry(one, document, (*at, number), around)

    def _entry(self, raw: Any, document: Document, at: Steps, around: Around) -> Iterator[TaskSpec]:
        if not isinstance(raw, dict):
            self._complain("a task is a mapping with a module: `- copy: …`", document, at)
            return
        names = {module_name(key): key for key in raw}
        if "block" in raw or "rescue" in raw or "always" in raw:
            yield from self._block(raw, document, at, around)
        elif name := next((name for name in _FILES if name in names), None):
            yield from self._file(raw, names[name], document, at, around)
        elif name := next((name for name in _ROLES if name in names), None):
            yield from self._role_here(raw, names[name], document, at, around)
        elif raw.get("meta") == "flush_handlers":
            yield from self._flush(raw, document, at, around)
        else:
            spec = self._task(raw, document, at, around)
            if spec is not None:
                yield spec

    def _flush(
        self, raw: dict[str, Any], document: Document, at: Steps, around: Around
    ) -> Iterator[TaskSpec]:
        """Yield the task that runs handlers here; its conditions, and those around it, say whether."""
        rest = {name: value for name, value in raw.items() if name != "meta"}
        said = self._validated(AroundSchema, _supported(self, rest, document, at), document, at)
        if said is not None:
            inside = around.and_inside(said)
            yield replace(flush(document, at, inside), when=inside.when, vars=inside.vars)

    def _block(
        self, raw: dict[str, Any], document: Document, at: Steps, around: Around
    ) -> Iterator[TaskSpec]:
        said = self._validated(BlockSchema, _supported(self, raw, document, at), document, at)
        if said is None:
            return
        number = next(self._numbers)
        inside = around.and_inside(said)
        for name, section in _SECTIONS.items():
            within = replace(inside, within=(*around.within, (number, section)))
            yield from self.tasks(getattr(said, name), document, (*at, name), within)

    def _file(
        self, raw: dict[str, Any], key: str, document: Document, at: Steps, around: Around
    ) -> Iterator[TaskSpec]:
        said = self._include(raw, key, document, at)
        if said is None:
            return
        name = raw[key].get("file") if isinstance(raw[key], dict) else raw[key]
        if not isinstance(name, str) or is_template(name):
            self._complain(
                "the file must be named here: write one include for each, with `when`", document, (*at, key)
            )
            return
        path = document.path.parent / name
        if not path.is_file():
            self._complain(f"there is no file '{name}' beside this one", document, (*at, key))
            return
        yield from self._taken_in(path, around.and_inside(said), document, (*at, key))

    def _role_here(
        self, raw: dict[str, Any], key: str, document: Document, at: Steps, around: Around
    ) -> Iterator[TaskSpec]:
        said = self._include(raw, key, document, at)
        name = raw[key].get("name") if isinstance(raw[key], dict) else None
        if said is None:
            return
        if not isinstance(name, str) or is_template(name) or set(raw[key]) - {"name"}:
            self._complain(f"write `{key}: {{name: ROLE}}`; nothing else is supported", document, (*at, key))
            return
        yield from self.role(name, said.vars, around.and_inside(said), document, (*at, key))

    def _include(self, raw: dict[str, Any], key: str, document: Document, at: Steps) -> Any:
        """Return an include's keywords; a loop over one is not among them."""
        rest = {name: value for name, value in raw.items() if name != key}
        for name in ("loop", "with_items", "register", "until", "notify"):
            if name in rest:
                self._complain(
                    f"'{name}' is not supported on `{key}`: put it at the tasks inside", document, (*at, name)
                )
                rest.pop(name)
        return self._validated(AroundSchema, _supported(self, rest, document, at), document, at)

    def role(
        self, name: str, given: Mapping[str, Any], around: Around, document: Document, at: Steps
    ) -> Iterator[TaskSpec]:
        """Yield a role's tasks; its handlers and defaults are kept for the play."""
        try:
            found = find_role(self._playbook, name)
        except RoleError as error:
            self._complain(str(error), document, at)
            return
        except InputError as error:
            self.problems += error.problems
            return
        variables = {**around.vars, **found.vars, **given}
        folders = (found.folder, *around.folders)
        inside = replace(around, vars=variables, folders=folders, role=found.name)
        self.roles.append(replace(found, around=inside))
        self.files += found.files
        if found.tasks is not None:
            yield from self._taken_in(found.tasks, inside, document, at)

    def _taken_in(self, path: Path, around: Around, document: Document, at: Steps) -> Iterator[TaskSpec]:
        """Yield the tasks of another file."""
        if path.resolve() in self._chain or len(self._chain) > _DEPTH:
            way = " → ".join(above.name for above in (*self._chain, path))
            self._complain(f"tasks cannot take themselves in: {way}", document, at)
            return
        try:
            found = load(path)
        except InputError as error:
            self.problems += error.problems
            return
        self.files.append(path)
        before, self._chain = self._chain, (*self._chain, path.resolve())
        yield from self.tasks(found.value or [], found, (), around)
        self._chain = before

    def _task(self, raw: dict[str, Any], document: Document, at: Steps, around: Around) -> TaskSpec | None:
        key = self._module_key(raw, document, at)
        if key is None:
            return None
        said = self._validated(TaskKeywords, {k: v for k, v in raw.items() if k != key}, document, at)
        if said is None:
            return None
        module = module_name(key)
        try:
            args = {**free_form_arguments(module, raw[key]), **said.args}
            loop = _loop_of(said)
        except ValueError as error:
            self._complain(str(error), document, (*at, key))
            return None
        steps = (*at, key) if isinstance(raw[key], dict) else (*at, "args")
        name = around.named(said.name or module)
        bare = TaskSpec(name, module, args, document.place(at), document, at, steps, loop=loop)
        spec = _with_keywords(bare, said, around)
        self.problems += check_arguments(spec)
        return spec

    def _module_key(self, raw: Mapping[str, Any], document: Document, at: Steps) -> str | None:
        """Return the one key of a task that names a module, or complain."""
        known = {*MODULES, *OWN}
        others = [key for key in raw if key not in TASK_KEYWORDS]
        modules = [key for key in others if module_name(key) in known]
        if len(modules) == 1 and len(others) == 1:
            return modules[0]
        for key in others:
            instead = INSTEAD.get(key) or INSTEAD_OF_MODULES.get(module_name(key))
            if instead:
                self._complain(f"'{key}' is not supported; {instead}", document, (*at, key))
            elif key not in modules:
                hint = did_you_mean(key, {*known, *TASK_KEYWORDS}, listed=False)
                self._complain(f"unknown module or keyword '{key}'{hint}", document, (*at, key))
        if not others:
            self._complain("this task names no module; write one, such as `copy:`", document, at)
        elif len(modules) > 1:
            said = f"this task names {len(modules)} modules: {', '.join(modules)}; split it"
            self._complain(said, document, at)
        return None

    def _validated(self, model: type[Any], value: dict[str, Any], document: Document, at: Steps) -> Any:
        try:
            return validate(model, document, value, at)
        except InputError as error:
            self.problems += error.problems
            return None

    def _complain(self, message: str, document: Document, at: Steps) -> None:
        self.problems.append(Problem(message, document.place(at)))

    def refuse(self, raw: Mapping[str, Any], document: Document, at: Steps) -> None:
        """Complain of every keyword that Ansible has and we have not."""
        for key in raw:
            if key in INSTEAD:
                self._complain(f"'{key}' is not supported; {INSTEAD[key]}", document, (*at, key))


def _supported(reader: TaskReader, raw: dict[str, Any], document: Document, at: Steps) -> dict[str, Any]:
    reader.refuse(raw, document, at)
    return {key: value for key, value in raw.items() if key not in INSTEAD}


def flush(document: Document, at: Steps, around: Around) -> TaskSpec:
    """Return the task that runs the handlers notified so far."""
    place = document.place(at)
    tags = frozenset({"always"})
    return TaskSpec("run handlers", FLUSH, {}, place, document, at, at, tags=tags, within=around.within)


def _loop_of(said: TaskKeywords) -> Any:
    """Return what a task loops over; `with_items` takes lists apart, `with_dict` makes a mapping a list."""
    given = [
        name for name in ("loop", "with_items", "with_list", "with_dict") if getattr(said, name) is not None
    ]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} cannot both be: write one `loop`")
    if said.with_items is not None:
        return {FLATTENED: said.with_items}
    if said.with_dict is not None:
        return {ITEMS_OF: said.with_dict}
    return said.with_list if said.loop is None else said.loop


def _with_keywords(bare: TaskSpec, said: TaskKeywords, around: Around) -> TaskSpec:
    """Return a task with its keywords, those that it does not say from what stands around it."""
    written = said.model_fields_set
    return replace(
        bare,
        when=(*around.when, *said.when),
        loop_var=said.loop_control.loop_var,
        index_var=said.loop_control.index_var,
        vars={**around.vars, **said.vars},
        register=said.register_,
        notify=(*around.notify, *said.notify),
        # A handler of a role hears its own name, too.
        listen=(*said.listen, *([said.name] if around.role and said.name else ())),
        become=around.become if said.become is None else said.become,
        become_user=said.become_user or around.become_user,
        environment={**around.environment, **said.environment},
        ignore_errors=said.ignore_errors if "ignore_errors" in written else around.ignore_errors or False,
        failed_when=_optional(said.failed_when),
        changed_when=_optional(said.changed_when),
        until=_optional(said.until),
        retries=said.retries,
        delay_s=said.delay,
        check_mode=around.check_mode if said.check_mode is None else said.check_mode,
        diff=around.diff if said.diff is None else said.diff,
        no_log=said.no_log if "no_log" in written else around.no_log or False,
        timeout_s=said.timeout or around.timeout_s,
        confirm_s=said.confirm.within if said.confirm else 0.0,
        undo=said.confirm.undo if said.confirm else "",
        tags=frozenset({*said.tags, *around.tags}),
        within=around.within,
        folders=around.folders,
    )


def module_name(key: str) -> str:
    """Return a module's short name: `ansible.builtin.copy` is `copy`."""
    for prefix in PREFIXES:
        if key.startswith(prefix):
            return key.removeprefix(prefix)
    return key


def _optional(conditions: list[bool | str] | None) -> tuple[bool | str, ...] | None:
    return None if conditions is None else tuple(conditions)
