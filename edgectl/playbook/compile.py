"""One play for one host: keywords decided, files packed, templates rendered ahead."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from edgectl.complaints import did_you_mean
from edgectl.errors import Place
from edgectl.playbook.ahead import Ahead, wrong
from edgectl.playbook.confirm import undo_of
from edgectl.playbook.free_form import first_word
from edgectl.playbook.model import PlaySpec, TaskSpec
from edgectl.playbook.names import FACT_PREFIX, NO_FACTS, Bindings, names_in_text
from edgectl.playbook.sources import Blobs, SourceError, copy_sources, file_mode, find, landing, read
from edgectl.remote import registry
from edgectl.remote.args import ArgumentError, build
from edgectl.remote.job import DEFAULT_TASK_TIMEOUT_S, FLATTENED, FLUSH, ITEMS_OF, Play, Task
from edgectl.remote.taskrun import items_of
from edgectl.remote.template import OMIT, TemplateError, is_template

_DEFAULT_RETRIES = 3  # Ansible's, where a task has `until` and says nothing of `retries`


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line adds to a playbook."""

    check: bool = False
    diff: bool = False
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    skip_tags: frozenset[str] = frozenset()
    start_at: str = ""  # the name of the first task to run, or a pattern


class PlayCompiler:
    """One play for one host."""

    def __init__(
        self,
        play: PlaySpec,
        known: Mapping[str, Any],
        options: Options,
        playbook: Path,
        blobs: Blobs,
        rebound: frozenset[str],
    ) -> None:
        self._play = play
        self._options = options
        self._playbook = playbook
        self._blobs = blobs
        self._known = {**play.defaults, **known, **play.vars, **options.extra_vars}
        self._ahead = Ahead(self._known, rebound)

    def compiled(self, first: int) -> tuple[Play, set[str]]:
        """Return the play as it travels, its tasks numbered from `first`, and the libraries that it takes along."""
        wanted = [task for task in self._play.tasks if self._is_wanted(task)]
        tasks = [self._task(task) for task in wanted]
        blocks = blocks_of(wanted)
        handlers = [self._task(task, is_handler=True) for task in self._play.handlers]
        if self._needs_facts():
            tasks.insert(0, Task(0, "Gathering Facts", "setup", {}, str(self._play.place)))
            blocks = [[position + 1 for position in block] for block in blocks]
        self._check_notifications(tasks, handlers)
        play = Play(
            name=self._play.name or self._play.hosts,
            vars=self._ahead.travelling(self._play.place),
            tasks=_numbered(tasks, first),
            handlers=_numbered(handlers, first + len(tasks)),
            blocks=blocks,
        )
        return play, self._ahead.libraries

    def _is_wanted(self, task: TaskSpec) -> bool:
        """Decide by tags as Ansible does, its words `all`, `tagged`, `untagged`, `always` and `never` included."""
        if task.module == FLUSH:
            return True
        named = task.tags - {"always", "never"}
        own = {*task.tags, "all", "tagged" if named else "untagged"}
        wanted, unwanted = self._options.tags, self._options.skip_tags
        if unwanted & (own - {"all"}) or ("all" in unwanted and "always" not in task.tags):
            return False
        if "never" in task.tags and not wanted & task.tags:
            return False
        return not wanted or bool(wanted & own) or "always" in task.tags

    def _needs_facts(self) -> bool:
        """Facts are gathered where the play says so, or says nothing and a template needs them."""
        if self._play.gather_facts is not None:
            return self._play.gather_facts
        names = self._ahead.deferred_names
        return any(
            name.startswith(FACT_PREFIX) and name not in self._known and name not in NO_FACTS
            for name in names
        )

    def _check_notifications(self, tasks: list[Task], handlers: list[Task]) -> None:
        """Complain of names that no handler answers to; a name that the host renders is the host's business."""
        known = {name for handler in handlers for name in (handler.name, *handler.listen)}
        written = {str(task.place): task for task in (*self._play.tasks, *self._play.handlers)}
        for task in (*tasks, *handlers):
            for name in task.notify:
                if name not in known and not is_template(name):
                    place = _keyword(written[task.place], "notify")
                    raise wrong(f"there is no handler '{name}'{did_you_mean(name, known)}", place)

    def _task(self, task: TaskSpec, *, is_handler: bool = False) -> Task:
        ahead = self._ahead
        if task.module == FLUSH:
            when = ahead.conditions(task.when, _keyword(task, "when"), ahead.hiding(task.vars))
            kept = ahead.kept(task.vars, task.place)
            return Task(0, task.name, FLUSH, {}, str(task.place), when=when, vars=kept)
        own = {*task.vars, task.loop_var, task.index_var or ""} if task.loop is not None else {*task.vars}
        inside = ahead.hiding(own)
        when = ahead.conditions(task.when, _keyword(task, "when"), inside)
        self._refuse_secrets_in_words(task)
        # A handler may never be notified, and what fails in a block may be rescued.
        may_pass = bool(task.ignore_errors or is_handler or task.within)
        reached = all(condition is True for condition in when) and not may_pass
        loop = self._loop(task, reached=reached)
        compiler = _Arguments(self, task, inside, loop, reached=reached and task.loop is None)
        args, sent = compiler.compiled()
        environment = {**self._play.environment, **task.environment}
        retries = _DEFAULT_RETRIES if task.retries is None and task.until is not None else task.retries or 0
        return Task(
            index=0,
            name=ahead.leniently(task.name),
            module=task.module,
            args=args,
            place=str(task.place),
            when=when,
            loop=loop,
            loop_var=task.loop_var,
            index_var=task.index_var,
            vars=ahead.kept(task.vars, _keyword(task, "vars")),
            register=task.register,
            notify=[ahead.leniently(name) for name in task.notify],
            listen=[ahead.leniently(name) for name in task.listen],
            become_user=self._become_user(task),
            environment=ahead.value(environment, _keyword(task, "environment"), inside, reached=False),
            ignore_errors=ahead.kept(task.ignore_errors, _keyword(task, "ignore_errors")),
            failed_when=ahead.kept_conditions(task.failed_when, _keyword(task, "failed_when")),
            changed_when=ahead.kept_conditions(task.changed_when, _keyword(task, "changed_when")),
            until=ahead.kept_conditions(task.until, _keyword(task, "until")),
            retries=retries,
            delay_s=task.delay_s,
            check=self._options.check if task.check_mode is None else task.check_mode,
            diff=self._options.diff if task.diff is None else task.diff,
            no_log=task.no_log,
            timeout_s=task.timeout_s or self._play.timeout_s or DEFAULT_TASK_TIMEOUT_S,
            confirm_s=task.confirm_s,
            undo=ahead.leniently(undo_of(task, self._play.handlers)),
            by_src=dict(sent.by_src),
            template=sent.template,
        )

    def _refuse_secrets_in_words(self, task: TaskSpec) -> None:
        """A command line is there for every user of a host to read."""
        if task.module not in ("command", "script", "shell"):
            return
        for name in ("cmd", "argv"):
            secret = self._ahead.reveals(task.args.get(name), task.place_of(name), self._play.secrets)
            if secret:
                message = (
                    f"the secret '{secret}' would be on a command line; pass it by `stdin` or `environment`"
                )
                raise wrong(message, task.place_of(name))

    def _become_user(self, task: TaskSpec) -> str | None:
        becomes = self._play.become if task.become is None else task.become
        if not becomes:
            return None
        return self._ahead.leniently(task.become_user or self._play.become_user or "root")

    def _loop(self, task: TaskSpec, *, reached: bool) -> Any:
        if task.loop is None:
            return None
        place = _keyword(task, "loop")
        loop = self._ahead.value(task.loop, place, self._ahead.hiding(task.vars), reached=reached)
        is_listed = isinstance(loop, list) or (isinstance(loop, dict) and set(loop) <= {FLATTENED, ITEMS_OF})
        if not is_template(loop) and not is_listed:
            raise wrong(f"'loop' must be a list, not {loop!r}", place)
        return loop

    @property
    def ahead(self) -> Ahead:
        """Renders what can be rendered here."""
        return self._ahead

    def find(self, task: TaskSpec, kind: str, src: str) -> Path:
        """Find a file that a task sends."""
        return find((*task.folders, self._playbook.parent), kind, src)

    def landing(self, src: str, dest: str, *, flat: bool) -> str:
        """Return where a file that a task brings is written."""
        host = str(self._known.get("inventory_hostname", ""))
        return str(landing(self._playbook.parent, host, src, dest, flat=flat))

    @property
    def blobs(self) -> Blobs:
        """Where the contents to send are packed."""
        return self._blobs


class _Sent(NamedTuple):
    """The files that a task sends and the host takes up: a template that it renders, or by `src` those of a loop."""

    template: str | None = None
    by_src: Mapping[str, Mapping[str, Any]] = {}


class _Arguments:
    """The arguments of one task: rendered, files read, checked against the module's declaration."""

    def __init__(
        self, play: PlayCompiler, task: TaskSpec, inside: Bindings, loop: Any, *, reached: bool
    ) -> None:
        self._play = play
        self._task = task
        self._inside = inside
        self._loop = loop
        self._reached = reached

    def compiled(self) -> tuple[dict[str, Any], _Sent]:
        """Return the arguments, and what is sent beside them."""
        task = self._task
        evaluated = {"assert": "that", "debug": "var"}.get(task.module, "")
        values = {name: self._value(name, value) for name, value in task.args.items() if name != evaluated}
        args = {name: value for name, value in values.items() if value is not OMIT}
        if evaluated in task.args:
            expressions = task.args[evaluated]
            listed = expressions if isinstance(expressions, list) else [expressions]
            self._play.ahead.kept_conditions(listed, task.place_of(evaluated))
            return {**args, evaluated: expressions}, _Sent()
        sent = self._files(args)
        self._check(args, sent)
        return args, sent

    def _value(self, name: str, value: Any) -> Any:
        place = self._task.place_of(name)
        return self._play.ahead.value(value, place, self._inside, reached=self._reached)

    def _files(self, args: dict[str, Any]) -> _Sent:
        """Return what travels for a file of the controller's that is named here, and where one of the host's goes."""
        module = registry.load(self._task.module)
        named = getattr(module, "SENT_BY", "src")
        src = args.get(named)
        is_about_files = getattr(module, "SENDS", "") or getattr(module, "BRINGS", False)
        if not is_about_files or src is None or _says_yes(args.get("remote_src")):
            return _Sent()
        src = str(src) if named == "src" else first_word(str(src))
        if is_template(src):
            return _Sent(by_src={one: self._of_file(module, one, args) for one in self._each(named, src)})
        found = self._of_file(module, src, args)
        template = found.pop("template", None)
        args.update(found)
        return _Sent(template)

    def _each(self, named: str, src: str) -> list[str]:
        """Return what `src` is for each item of a loop that is known here."""
        place = self._task.place_of(named)
        if named != "src" or self._loop is None or is_template(self._loop):
            raise wrong(
                f"the file in '{named}' must be known before the run, but it depends on the host", place
            )
        items = items_of(self._loop)
        try:
            return [str(self._play.ahead.for_item(src, self._task, *item)) for item in enumerate(items)]
        except TemplateError as error:
            raise wrong(f"'{named}' must be known before the run: {error}", place) from None

    def _of_file(self, module: Any, src: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that one file gives; `template` is the digest of one that the host renders."""
        named = getattr(module, "SENT_BY", "src")
        try:
            if getattr(module, "BRINGS", False):
                return {"local": self._landing(src, args)}
            path = self._play.find(self._task, module.SENDS, src)
            if module.SENDS == "templates":
                return self._template_file(path, args)
            return {"sources": copy_sources(path, src, self._play.blobs)}
        except SourceError as error:
            raise wrong(str(error), self._task.place_of(named)) from None

    def _landing(self, src: str, args: Mapping[str, Any]) -> str:
        """Return where a file of the host goes here: what the host says has no say in it."""
        for name in ("dest", "flat"):
            if is_template(args.get(name)):
                said = f"'{name}' must be known before the run, but it depends on the host or on a loop"
                raise wrong(said, self._task.place_of(name))
        return self._play.landing(src, str(args.get("dest")), flat=_says_yes(args.get("flat")))

    def _template_file(self, path: Path, args: Mapping[str, Any]) -> dict[str, Any]:
        raw = read(path)
        try:
            text = raw.decode()
            names = names_in_text(text)
        except UnicodeDecodeError:
            raise SourceError(f"{path} is not UTF-8") from None
        except jinja2.TemplateSyntaxError as error:
            raise wrong(str(error.message), Place(path, error.lineno)) from None
        how = {name: _says_yes(args[name]) for name in ("trim_blocks", "lstrip_blocks") if name in args}
        mode = {"source_mode": file_mode(path)} if args.get("mode") == "preserve" else {}
        content = self._play.ahead.file(text, names, Place(path), self._inside, reached=self._reached, **how)
        return mode | ({"template": self._play.blobs.add(raw)} if content is None else {"content": content})

    def _check(self, args: dict[str, Any], sent: _Sent) -> None:
        module = registry.load(self._task.module)
        if getattr(module, "FREE_KEYS", False) or is_template(args):
            return
        filled = {**args, "content": ""} if sent.template is not None else args
        try:
            build(module.Args, filled, internal=True)
        except ArgumentError as error:
            place = self._task.place_of(error.field) if error.field else self._task.place
            raise wrong(str(error), place) from None


def blocks_of(tasks: Sequence[TaskSpec]) -> list[list[int]]:
    """Return where each block begins, is rescued, has what is always done, and ends; the outer ones first."""
    found: dict[int, list[int]] = {}
    for position, task in enumerate(tasks):
        for number, section in task.within:
            block = found.setdefault(number, [position] * 4)
            block[section + 1 :] = [position + 1] * (3 - section)
    return list(found.values())


def _numbered(tasks: list[Task], first: int) -> list[Task]:
    return [dataclasses.replace(task, index=first + position) for position, task in enumerate(tasks)]


def _keyword(task: TaskSpec, name: str) -> Place:
    return task.document.place((*task.steps, name))


def _says_yes(value: Any) -> bool:
    return str(value).lower() in ("yes", "true", "on", "1")
