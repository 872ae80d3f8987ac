"""Render ahead: what the controller can know for good is rendered here, the rest is kept for the host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jinja2

from edgectl.errors import InputError, Place, Problem
from edgectl.playbook.model import TaskSpec
from edgectl.playbook.names import Bindings, as_template, libraries_in, names_in, names_in_condition
from edgectl.remote.template import (
    Layer,
    TemplateError,
    Variables,
    evaluate,
    is_template,
    render,
    render_file,
)


class Ahead:
    """The templates of one play for one host, and which names the deferred ones will need."""

    def __init__(self, known: Mapping[str, Any], rebound: frozenset[str]) -> None:
        self._known = known
        self._rebound = rebound
        self._bindings = Bindings(known, rebound)
        self._variables = Variables([Layer(known, authored=True)])
        self.deferred_names: set[str] = set()
        self.libraries: set[str] = set()

    def hiding(self, names: Iterable[str]) -> Bindings:
        """Return the bindings where these names mean something of the task's own."""
        own = frozenset(names)
        return Bindings(self._known, self._rebound | own) if own else self._bindings

    def travelling(self, place: Place) -> dict[str, Any]:
        """Return the known variables that the deferred templates need; `place` is named where one is broken."""
        needed = self._closure(self.deferred_names, place)
        self.libraries.update(*(libraries_in(self._known[name]) for name in needed))
        return {name: self._known[name] for name in sorted(needed)}

    def value(self, value: Any, place: Place, bindings: Bindings, *, reached: bool) -> Any:
        """Render a value, or return it as it is where the host must.

        An undefined name is a complaint where the task is surely reached, and the host's business elsewhere.
        """
        if not is_template(value):
            return value
        names = _parsed(names_in, value, place)
        if self._is_static(names, bindings, place):
            try:
                return render(value, self._variables)
            except TemplateError as error:
                if reached:
                    raise wrong(str(error), place) from None
        self.defer(names, value)
        return value

    def for_item(self, text: str, task: TaskSpec, number: int, item: Any) -> Any:
        """Render a text for one item of a task's loop. Raises `TemplateError` where it needs more than is known."""
        names = {task.loop_var: item, **({task.index_var: number} if task.index_var else {})}
        lasting = {name: value for name, value in self._known.items() if name not in self._rebound}
        layers = [
            Layer(lasting, authored=True),
            Layer(task.vars, authored=True),
            Layer(names, authored=False),
        ]
        return render(text, Variables(layers))

    def file(
        self,
        text: str,
        names: frozenset[str],
        place: Place,
        bindings: Bindings,
        *,
        reached: bool,
        **how: bool,
    ) -> str | None:
        """Render a template file, or return None where the host must."""
        if self._is_static(names, bindings, place):
            try:
                return render_file(text, self._variables, **how)
            except TemplateError as error:
                if reached:
                    raise wrong(str(error), place) from None
        self.defer(names, text)
        return None

    def conditions(self, conditions: Sequence[Any], place: Place, bindings: Bindings) -> list[Any]:
        """Decide the conditions that can be decided here, in order, up to the first that is false.

        What follows it is never asked, so `[x is defined, x > 1]` is right where there is no x.
        """
        decided: list[Any] = []
        for condition in conditions:
            decided.append(self._condition(condition, place, bindings, asked=all(c is True for c in decided)))
            if decided[-1] is False:
                return [False]
        return decided

    def _condition(self, condition: Any, place: Place, bindings: Bindings, *, asked: bool) -> Any:
        names = _parsed(names_in_condition, condition, place)
        if self._is_static(names, bindings, place):
            try:
                return evaluate(condition, self._variables)
            except TemplateError as error:
                if asked:
                    raise wrong(str(error), place) from None
        self.defer(names, as_template(condition))
        return condition

    def _is_static(self, names: frozenset[str], bindings: Bindings, place: Place) -> bool:
        try:
            return bindings.is_static(names)
        except TemplateError as error:
            raise wrong(str(error), place) from None

    def reveals(self, value: Any, place: Place, secrets: Iterable[str]) -> str:
        """Return the first of the secrets that the templates in a value lead to, or ''."""
        names = _parsed(names_in, value, place)
        reached = {
            *names,
            *(other for name in self._closure(names, place) for other in names_in(self._known[name])),
        }
        return next((secret for secret in sorted(secrets) if secret in reached), "")

    def _closure(self, names: Iterable[str], place: Place) -> frozenset[str]:
        try:
            return self._bindings.closure(names)
        except TemplateError as error:
            raise wrong(str(error), place) from None

    def kept(self, value: Any, place: Place) -> Any:
        """Let a value travel as it is: it is for the host to render."""
        if is_template(value):
            self.defer(_parsed(names_in, value, place), value)
        return dict(value) if isinstance(value, Mapping) else value

    def kept_conditions(self, conditions: Sequence[Any] | None, place: Place) -> list[Any] | None:
        """Let conditions travel: they speak of results that only the host will have."""
        if conditions is None:
            return None
        for condition in conditions:
            if isinstance(condition, str):
                self.defer(_parsed(names_in_condition, condition, place), as_template(condition))
        return list(conditions)

    def leniently(self, text: str) -> str:
        """Render a text for people; one that needs the host stays as it was written."""
        try:
            if is_template(text) and self._bindings.is_static(names_in(text)):
                return str(render(text, self._variables))
        except (jinja2.TemplateSyntaxError, TemplateError):
            return text
        return text

    def defer(self, names: Iterable[str], source: Any) -> None:
        """Note that the host will render something with these names, and what it needs for that."""
        self.deferred_names.update(names)
        self.libraries.update({"jinja2"}, libraries_in(source))


def wrong(message: str, place: Place) -> InputError:
    """Return the complaint about one place."""
    return InputError([Problem(message, place)])


def _parsed(names: Callable[[Any], frozenset[str]], source: Any, place: Place) -> frozenset[str]:
    try:
        return names(source)
    except jinja2.TemplateSyntaxError as error:
        raise wrong(f"the template cannot be parsed: {error.message}", place) from None
