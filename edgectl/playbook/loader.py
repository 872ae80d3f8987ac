"""A playbook file becomes a `Playbook`, or every complaint about it at once, with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgectl.complaints import validate
from edgectl.errors import InputError, Problem
from edgectl.playbook.model import Playbook, PlaySpec, TaskSpec
from edgectl.playbook.own_modules import take_in
from edgectl.playbook.roles import Role
from edgectl.playbook.schema import INSTEAD, ImportSchema, PlaySchema, RoleSchema
from edgectl.playbook.tasks import Around, TaskReader, flush
from edgectl.remote.job import FLUSH
from edgectl.yaml_source import Document, load

Steps = tuple[str | int, ...]


def load_playbook(path: Path) -> Playbook:
    """Read a playbook and check all that can be checked without knowing the hosts.

    Modules of its own lie in `modules/` beside it.
    """
    document = load(path)
    own = take_in(path.parent)
    found = read_playbook(document)
    return replace(found, files=(*found.files, *own))


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
        reader = TaskReader(self._document.path)
        around = Around(tags=frozenset(schema.tags))
        tasks = list(self._sections(reader, known, at, around))
        handlers = tuple(self._handlers(reader, schema.handlers, (*at, "handlers"), around))
        self._problems += reader.problems
        self.imported += reader.files
        return PlaySpec(
            name=schema.name,
            hosts=":".join(schema.hosts),
            place=place,
            path=self._document.path,
            tasks=tuple(tasks),
            handlers=handlers,
            vars={**self._vars_files(schema.vars_files, at), **schema.vars},
            defaults=self._defaults(reader.roles, at),
            environment=schema.environment,
            become=schema.become,
            become_user=schema.become_user,
            gather_facts=schema.gather_facts,
            rollout=schema.rollout.model_dump() if schema.rollout else None,
            rollout_place=self._document.place((*at, "rollout")),
            timeout_s=schema.timeout,
            secrets=schema.secrets,
            vars_places={name: self._document.place((*at, "vars", name)) for name in schema.vars},
        )

    def _role_entry(self, reader: TaskReader, raw: Any, at: Steps, around: Around) -> Iterator[TaskSpec]:
        """Yield the tasks of one entry of `roles`, a name or a mapping."""
        said = {"role": raw} if isinstance(raw, str) else raw
        if not isinstance(said, dict):
            self._complain("a role is a name, or a mapping with `role`", at)
            return
        named = said.get("role") or said.get("name")
        known = {field.alias or name for name, field in RoleSchema.model_fields.items()} | {*INSTEAD}
        entry = {name: value for name, value in said.items() if name in known and name != "name"}
        # Any other key is a variable of the role's, as in Ansible.
        given = {name: value for name, value in said.items() if name not in known}
        own = said.get("vars") or {}
        entry |= {"role": named, "vars": {**given, **own} if isinstance(own, dict) else own}
        schema = self._validated(RoleSchema, entry, at)
        if schema is not None:
            yield from reader.role(schema.role, schema.vars, around.and_inside(schema), self._document, at)

    def _sections(
        self, reader: TaskReader, raw: Mapping[str, Any], at: Steps, around: Around
    ) -> Iterator[TaskSpec]:
        """Yield pre_tasks, roles and tasks, and post_tasks, the handlers notified so far after each."""
        if raw.get("pre_tasks"):
            yield from reader.tasks(raw["pre_tasks"], self._document, (*at, "pre_tasks"), around)
            yield flush(self._document, (*at, "pre_tasks"), around)
        for number, role in enumerate(raw.get("roles") or []):
            yield from self._role_entry(reader, role, (*at, "roles", number), around)
        if raw.get("tasks"):
            yield from reader.tasks(raw["tasks"], self._document, (*at, "tasks"), around)
        if raw.get("roles") or raw.get("tasks"):
            yield flush(self._document, (*at, "tasks" if raw.get("tasks") else "roles"), around)
        if raw.get("post_tasks"):
            yield from reader.tasks(raw["post_tasks"], self._document, (*at, "post_tasks"), around)
            yield flush(self._document, (*at, "post_tasks"), around)

    def _handlers(self, reader: TaskReader, raw: list[Any], at: Steps, around: Around) -> Iterator[TaskSpec]:
        """Yield the handlers of the play's roles and its own; a block of them would say nothing."""
        found = [*self._handlers_of_roles(reader), *reader.tasks(raw, self._document, at, around)]
        for handler in found:
            if handler.within:
                self._problems.append(Problem("a handler cannot be in a block", handler.place))
            elif handler.module != FLUSH:
                yield handler

    def _handlers_of_roles(self, reader: TaskReader) -> Iterator[TaskSpec]:
        for role in reader.roles:
            if role.handlers is not None:
                try:
                    document = load(role.handlers)
                except InputError as error:
                    self._problems += error.problems
                    continue
                reader.files.append(role.handlers)
                yield from reader.tasks(
                    document.value or [], document, (), replace(role.around, within=(), when=())
                )

    def _defaults(self, roles: list[Role], at: Steps) -> dict[str, Any]:
        """Return the defaults of all roles; two that differ would each be right in its own role only."""
        found: dict[str, Any] = {}
        for role in roles:
            for name, value in role.defaults.items():
                if found.setdefault(name, value) != value:
                    said = f"two roles have different defaults for '{name}': give one of them in `vars`"
                    self._complain(said, (*at, "roles"))
        return found

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

    def _validated(self, model: type[Any], value: dict[str, Any], at: Steps) -> Any:
        try:
            return validate(model, self._document, value, at)
        except InputError as error:
            self._problems += error.problems
            return None

    def _complain(self, message: str, at: Steps) -> None:
        self._problems.append(Problem(message, self._document.place(at)))


def _position(problem: Problem) -> tuple[str, int, int]:
    if problem.place is None:
        return ("", 0, 0)
    return (str(problem.place.path), problem.place.line, problem.place.column)
