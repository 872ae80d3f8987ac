"""A playbook file becomes a `Playbook`, or every complaint about it at once, with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgectl.complaints import did_you_mean, validate
from edgectl.errors import InputError, Problem
from edgectl.playbook.args import check_arguments, free_form_arguments
from edgectl.playbook.model import Playbook, PlaySpec, TaskSpec
from edgectl.playbook.schema import (
    INSTEAD,
    INSTEAD_OF_MODULES,
    TASK_KEYWORDS,
    ImportSchema,
    PlaySchema,
    TaskKeywords,
)
from edgectl.remote.job import FLUSH
from edgectl.remote.registry import MODULES
from edgectl.yaml_source import Document, load

Steps = tuple[str | int, ...]

_SECTIONS = ("pre_tasks", "tasks", "post_tasks")
_BUILTIN_PREFIXES = ("ansible.builtin.", "ansible.legacy.", "ansible.posix.")


def load_playbook(path: Path) -> Playbook:
    """Read a playbook and check all that can be checked without knowing the hosts."""
    return read_playbook(load(path))


def read_playbook(document: Document) -> Playbook:
    """Check a playbook that was parsed already; one that an operation writes itself comes in here."""
    if not isinstance(document.value, list):
        raise InputError(
            [Problem("a playbook is a list of plays: start with `- hosts: …`", document.place())]
        )
    return _read(document, ())


def _read(document: Document, within: tuple[Path, ...]) -> Playbook:
    """Read a playbook that those in `within` import, the outermost first."""
    reader = _Reader(document, (*within, document.path))
    plays = reader.plays()
    return Playbook(document.path, plays, (document.path, *reader.imported))


class _Reader:
    """Walks the document, collecting complaints in place of stopping at the first."""

    def __init__(self, document: Document, chain: tuple[Path, ...]) -> None:
        self._document = document
        self._chain = chain
        self._problems: list[Problem] = []
        self.imported: list[Path] = []

    def plays(self) -> tuple[PlaySpec, ...]:
        if not self._document.value:
            self._complain("the playbook has no plays: start with `- hosts: …`", ())
        found = [spec for number, raw in enumerate(self._document.value) for spec in self._entry(number, raw)]
        if self._problems:
            raise InputError(sorted(self._problems, key=_position))
        return tuple(found)

    def _entry(self, number: int, raw: Any) -> Iterator[PlaySpec]:
        if isinstance(raw, dict) and "import_playbook" in raw:
            yield from self._import(raw, (number,))
            return
        play = self._play(number, raw)
        if play is not None:
            yield play

    def _import(self, raw: dict[str, Any], at: Steps) -> Iterator[PlaySpec]:
        """Yield the plays of another file; what the import says is stronger than what they say."""
        schema = self._validated(ImportSchema, raw, at)
        if schema is None:
            return
        path = self._document.path.parent / schema.import_playbook
        if any(path.resolve() == above.resolve() for above in self._chain):
            way = " → ".join(above.name for above in (*self._chain, path))
            self._complain(f"a playbook cannot import itself: {way}", (*at, "import_playbook"))
            return
        try:
            found = _read(load(path), self._chain)
        except InputError as error:
            self._problems += error.problems
            return
        self.imported += found.files
        for play in found.plays:
            yield replace(
                play,
                vars={**play.vars, **schema.vars},
                tasks=[replace(task, tags=task.tags | set(schema.tags)) for task in play.tasks],
                handlers=[replace(task, tags=task.tags | set(schema.tags)) for task in play.handlers],
            )

    def _play(self, number: int, raw: Any) -> PlaySpec | None:
        at: Steps = (number,)
        place = self._document.place(at)
        if not isinstance(raw, dict):
            self._complain("a play is a mapping: `- hosts: …`", at)
            return None
        lacking = [key for key in raw if key in INSTEAD]
        for key in lacking:
            self._complain(f"'{key}' is not supported; {INSTEAD[key]}", (*at, key))
        known = {key: value for key, value in raw.items() if key not in INSTEAD}
        schema = self._validated(PlaySchema, known, at)
        if schema is None:
            return None
        if schema.become_method != "sudo":
            self._complain("only `become_method: sudo` is supported", (*at, "become_method"))
        tasks = [task for section in _SECTIONS for task in self._section(raw, section, at, schema)]
        handlers = tuple(self._tasks(schema.handlers, (*at, "handlers"), schema))
        return PlaySpec(
            name=schema.name,
            hosts=":".join(schema.hosts),
            place=place,
            path=self._document.path,
            tasks=tuple(tasks),
            handlers=handlers,
            vars={**self._vars_files(schema.vars_files, at), **schema.vars},
            environment=schema.environment,
            become=schema.become,
            become_user=schema.become_user,
            gather_facts=schema.gather_facts,
            rollout=schema.rollout.model_dump() if schema.rollout else None,
            rollout_place=self._document.place((*at, "rollout")),
            timeout_s=schema.timeout,
            secrets=schema.secrets,
        )

    def _section(
        self, raw: Mapping[str, Any], section: str, at: Steps, play: PlaySchema
    ) -> Iterator[TaskSpec]:
        tasks = raw.get(section) or []
        yield from self._tasks(tasks, (*at, section), play)
        if tasks:
            yield self._flush((*at, section))

    def _flush(self, at: Steps) -> TaskSpec:
        place = self._document.place(at)
        return TaskSpec("run handlers", FLUSH, {}, place, self._document, at, at, tags=frozenset({"always"}))

    def _vars_files(self, names: list[str], at: Steps) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for number, name in enumerate(names):
            path = self._document.path.parent / name
            try:
                value = load(path).value
            except InputError as error:
                self._problems += error.problems
                continue
            if not isinstance(value, dict):
                self._complain(f"{name} does not hold a mapping of variables", (*at, "vars_files", number))
                continue
            found.update(value)
        return found

    def _tasks(self, raw: list[Any], at: Steps, play: PlaySchema) -> Iterator[TaskSpec]:
        for number, task in enumerate(raw):
            spec = self._task(task, (*at, number), play)
            if spec is not None:
                yield spec

    def _task(self, raw: Any, at: Steps, play: PlaySchema) -> TaskSpec | None:
        if not isinstance(raw, dict):
            self._complain("a task is a mapping with a module: `- copy: …`", at)
            return None
        if raw.get("meta") == "flush_handlers":
            return self._flush(at)
        module_key = self._module_key(raw, at)
        if module_key is None:
            return None
        keywords = self._validated(TaskKeywords, {k: v for k, v in raw.items() if k != module_key}, at)
        if keywords is None:
            return None
        return self._spec(raw, module_key, keywords, at, play)

    def _module_key(self, raw: Mapping[str, Any], at: Steps) -> str | None:
        """Return the one key of a task that names a module, or complain."""
        others = [key for key in raw if key not in TASK_KEYWORDS]
        modules = [key for key in others if module_name(key) in MODULES]
        if len(modules) == 1 and len(others) == 1:
            return modules[0]
        for key in others:
            instead = INSTEAD.get(key) or INSTEAD_OF_MODULES.get(module_name(key))
            if instead:
                self._complain(f"'{key}' is not supported; {instead}", (*at, key))
            elif key not in modules:
                known = {*MODULES, *TASK_KEYWORDS}
                self._complain(
                    f"unknown module or keyword '{key}'{did_you_mean(key, known, listed=False)}", (*at, key)
                )
        if not others:
            self._complain("this task names no module; write one, such as `copy:`", at)
        elif len(modules) > 1:
            self._complain(f"this task names {len(modules)} modules: {', '.join(modules)}; split it", at)
        return None

    def _spec(
        self, raw: Mapping[str, Any], key: str, keywords: TaskKeywords, at: Steps, play: PlaySchema
    ) -> TaskSpec | None:
        module = module_name(key)
        try:
            args = {**free_form_arguments(module, raw[key]), **keywords.args}
        except ValueError as error:
            self._complain(str(error), (*at, key))
            return None
        spec = TaskSpec(
            name=keywords.name or module,
            module=module,
            args=args,
            place=self._document.place(at),
            document=self._document,
            steps=at,
            args_steps=(*at, key) if isinstance(raw[key], dict) else (*at, "args"),
            when=tuple(keywords.when),
            loop=keywords.loop,
            loop_var=keywords.loop_control.loop_var,
            index_var=keywords.loop_control.index_var,
            vars=keywords.vars,
            register=keywords.register_,
            notify=tuple(keywords.notify),
            listen=tuple(keywords.listen),
            become=keywords.become,
            become_user=keywords.become_user,
            environment=keywords.environment,
            ignore_errors=keywords.ignore_errors,
            failed_when=_optional(keywords.failed_when),
            changed_when=_optional(keywords.changed_when),
            until=_optional(keywords.until),
            retries=keywords.retries,
            delay_s=keywords.delay,
            check_mode=keywords.check_mode,
            diff=keywords.diff,
            no_log=keywords.no_log,
            timeout_s=keywords.timeout,
            confirm_s=keywords.confirm.within if keywords.confirm else 0.0,
            undo=keywords.confirm.undo if keywords.confirm else "",
            tags=frozenset({*keywords.tags, *play.tags}),
        )
        self._problems += check_arguments(spec)
        return spec

    def _validated(self, model: type[Any], value: dict[str, Any], at: Steps) -> Any:
        try:
            return validate(model, self._document, value, at)
        except InputError as error:
            self._problems += error.problems
            return None

    def _complain(self, message: str, at: Steps) -> None:
        self._problems.append(Problem(message, self._document.place(at)))


def module_name(key: str) -> str:
    """Return a module's short name: `ansible.builtin.copy` is `copy`."""
    for prefix in _BUILTIN_PREFIXES:
        if key.startswith(prefix):
            return key.removeprefix(prefix)
    return key


def _optional(conditions: list[bool | str] | None) -> tuple[bool | str, ...] | None:
    return None if conditions is None else tuple(conditions)


def _position(problem: Problem) -> tuple[str, int, int]:
    if problem.place is None:
        return ("", 0, 0)
    return (str(problem.place.path), problem.place.line, problem.place.column)
