"""Jinja2 as Ansible uses it: strict about undefined names, lazy variables, native values.

The same file renders at the controller (where jinja2 is installed) and at the host (where jinja2 travels
along, and only if a template needs it). Values that came from a host are never rendered, so a file that
contains "{{" cannot run code at the controller or anywhere else.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, ItemsView, Iterator, KeysView, List, Mapping, NamedTuple, ValuesView

import jinja2
import jinja2.nodes

from edgectl.remote.template_words import file_environment, text_environment
from edgectl.remote.withheld import Withheld

_MARKS = ("{{", "{%", "{#")
_LISTED = (list, tuple, Iterator, range, set, KeysView, ValuesView, ItemsView)
_FALSE_WORDS = frozenset({"", "false", "no", "off", "0", "n", "f"})
_DEPTH_LIMIT = 50
# More than any file that is sent; variables that double each other stop here.
_LONGEST = 64 * 1024 * 1024
# Exceptions whose text says it all; of others the name is needed as well.
_TELLING = (TypeError, ValueError, ArithmeticError, RecursionError)


class TemplateError(ValueError):
    """A template cannot be rendered; `undefined` tells a missing name from broken syntax."""

    def __init__(self, message: str, *, undefined: bool = False) -> None:
        super().__init__(message)
        self.undefined = undefined


class _Omit:
    """What `default(omit)` gives: the argument is left out."""


OMIT = _Omit()


class Layer(NamedTuple):
    """Variables of one origin; `authored` ones were written by a person and may hold templates."""

    values: Mapping[str, Any]
    authored: bool


class Variables(Mapping[str, Any]):
    """Layers of variables, strongest last; an authored value is rendered when it is first asked for."""

    def __init__(self, layers: List[Layer]) -> None:
        self._layers = layers
        self._rendered: Dict[str, Any] = {}
        self._depth = 0

    def over(self, *layers: Layer) -> Variables:
        """Return these variables with stronger ones on top."""
        return Variables([*self._layers, *layers])

    def __getitem__(self, name: str) -> Any:
        if name not in self._rendered:
            self._rendered[name] = self._resolve(name)
        return self._rendered[name]

    def __contains__(self, name: object) -> bool:
        return any(name in layer.values for layer in self._layers) or name in _BUILTINS

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for layer in self._layers for name in layer.values})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _resolve(self, name: str) -> Any:
        for layer in reversed(self._layers):
            if name in layer.values:
                value = layer.values[name]
                if isinstance(value, Withheld):
                    raise TemplateError(f"the value of '{name}' {value.reason}")
                return self._lazily(name, value) if layer.authored else value
        return _BUILTINS[name]

    def _lazily(self, name: str, value: Any) -> Any:
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise TemplateError(f"the variable '{name}' is defined by itself")
        try:
            return render(value, self)
        finally:
            self._depth -= 1


def is_template(value: Any) -> bool:
    """Tell whether anything in `value` needs rendering."""
    if isinstance(value, str):
        return any(mark in value for mark in _MARKS)
    if isinstance(value, dict):
        return any(is_template(item) for item in value.values()) or any(is_template(key) for key in value)
    if isinstance(value, list):
        return any(is_template(item) for item in value)
    return False


def render(value: Any, variables: Variables) -> Any:
    """Render every text in `value`. A text that is one `{{ expression }}` keeps the expression's own type."""
    if isinstance(value, str):
        return _render_text(value, variables) if is_template(value) else value
    if isinstance(value, dict):
        rendered = {key: render(item, variables) for key, item in value.items()}
        return {key: item for key, item in rendered.items() if item is not OMIT}
    if isinstance(value, list):
        return [item for item in (render(entry, variables) for entry in value) if item is not OMIT]
    return value


def evaluate(expression: Any, variables: Variables) -> bool:
    """Return the truth of a condition, as in `when:`; an expression in a text, or a plain boolean."""
    if isinstance(expression, str):
        text = expression.strip()
        result = _render_text(text, variables) if is_template(text) else _condition(text, variables)
    else:
        result = expression
    if isinstance(result, str):
        return result.strip().lower() not in _FALSE_WORDS
    return bool(result)


def render_file(
    text: str, variables: Variables, *, trim_blocks: bool = True, lstrip_blocks: bool = False
) -> str:
    """Render a template file as the `template` module does: it ends with no fewer newlines than the file."""
    environment = file_environment(
        trim_blocks=trim_blocks, lstrip_blocks=lstrip_blocks, keep_trailing_newline=False
    )
    found = str(
        _guarded(lambda: _joined(_parts(environment.from_string(text), variables)), "the template file")
    )
    wanted, has = (len(one) - len(one.rstrip("\n")) for one in (text, found))
    return found + "\n" * max(wanted - has, 0)


_TEXTS = text_environment()
_CONDITIONS = file_environment()
_BUILTINS: Dict[str, Any] = {**_TEXTS.globals, "omit": OMIT}


def _render_text(text: str, variables: Variables) -> Any:
    # As in Ansible, one newline behind a single expression belongs to a text and is lost to any other value.
    bare = text.removesuffix("\n")
    if not _is_single_expression(bare):
        return _guarded(lambda: _value(_parts(_compiled(text), variables)), text)
    value = _guarded(lambda: _value(_parts(_compiled(bare), variables)), bare[2:-2])
    return value + text[len(bare) :] if isinstance(value, str) else value


def _condition(text: str, variables: Variables) -> Any:
    def value() -> Any:
        return _value(_parts(_compiled_condition("{{ (" + text + "\n) }}"), variables))

    return _guarded(value, text)


# The same texts are rendered for every host of a fleet.
@lru_cache(maxsize=4096)
def _compiled(text: str) -> jinja2.Template:
    return _TEXTS.from_string(text)


@lru_cache(maxsize=4096)
def _compiled_condition(text: str) -> jinja2.Template:
    return _CONDITIONS.from_string(text)


@lru_cache(maxsize=4096)
def _is_single_expression(text: str) -> bool:
    if not (text.startswith("{{") and text.endswith("}}")):
        return False
    body = _guarded(lambda: _TEXTS.parse(text), text).body
    if len(body) != 1 or not isinstance(body[0], jinja2.nodes.Output):
        return False
    parts = body[0].nodes
    return len(parts) == 1 and not isinstance(parts[0], jinja2.nodes.TemplateData)


def _parts(template: jinja2.Template, variables: Variables) -> List[Any]:
    context = template.new_context(variables, shared=True)  # type: ignore[arg-type]
    return list(template.root_render_func(context))


def _value(parts: List[Any]) -> Any:
    """Return what a text gives: the value itself where it is all there is, None where there is nothing, else a text."""
    if len(parts) <= 1:
        return _plain(parts[0]) if parts else None
    return _joined(parts)


def _joined(parts: List[Any]) -> str:
    # An `if` without `else` in an expression is nothing in a text.
    text = "".join(
        "" if part is None or type(part) is jinja2.Undefined else str(_plain(part)) for part in parts
    )
    if len(text) > _LONGEST:
        raise TemplateError(f"a text is longer than {_LONGEST // 2**20} MiB")
    return text


def _plain(value: Any) -> Any:
    """Return a value as data: a generator becomes its list, what is omitted goes, an undefined name inside raises."""
    if isinstance(value, jinja2.Undefined):
        value._fail_with_undefined_error()  # noqa: SLF001 - jinja2's own way to say it
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not OMIT}
    if isinstance(value, _LISTED):
        return [_plain(item) for item in value if item is not OMIT]
    if value is None or value is OMIT or isinstance(value, (str, int, float)):
        return value
    if hasattr(value, "isoformat"):  # a day or a moment
        return str(value)
    raise TypeError(f"this is no data but a {type(value).__name__}")


def _guarded(action: Any, source: str) -> Any:
    """Turn what a template can raise into `TemplateError`; a filter may raise nearly anything."""
    source = source.strip()
    shown = source if len(source) <= 80 else source[:77] + "..."  # noqa: PLR2004 - one line of a terminal
    try:
        return action()
    except TemplateError:
        raise
    except jinja2.UndefinedError as error:
        raise TemplateError(f"{error.message} in: {shown}", undefined=True) from None
    except jinja2.TemplateError as error:
        raise TemplateError(f"{error.message} in: {shown}") from None
    except Exception as error:  # noqa: BLE001 - a filter may raise anything: re.error, IndexError, OSError
        said = str(error) if isinstance(error, _TELLING) else f"{type(error).__name__}: {error}"
        raise TemplateError(f"{said} in: {shown}") from None
