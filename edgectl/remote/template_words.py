"""Jinja2 set up as Ansible sets it up: its filters and tests, values as well as texts, strict about undefined names."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, Iterable, Iterator, Match, Tuple

import jinja2
import jinja2.lexer
import jinja2.nativetypes

from edgectl.remote.filters import FILTERS
from edgectl.remote.template_tests import TESTS

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_KNOWN_ESCAPES = frozenset("\\'\"abfnrtvxuUN01234567\n")


class _Undefined(jinja2.StrictUndefined):
    """A name that is nowhere: asking for a part of it is no fault yet, so that `a.b | default(1)` is right."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _key: Any) -> Any:
        return self


class _Generator(jinja2.nativetypes.NativeCodeGenerator):
    """Keeps the type of a constant that is all there is."""

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        values = list(group)
        if len(values) == 1:
            return repr(values[0])
        return repr("".join("" if value is None else str(value) for value in values))


class _Lexer(jinja2.lexer.Lexer):
    r"""Keeps the backslashes that Python would warn of; in `{{ … }}` of a playbook, where YAML read them once, all."""

    keeps_all_in_braces = False

    def tokeniter(self, *args: Any, **kwargs: Any) -> Iterator[Tuple[int, str, str]]:
        in_braces = False
        for line, kind, text in super().tokeniter(*args, **kwargs):
            if kind in ("variable_begin", "variable_end"):
                in_braces = kind == "variable_begin"
            if kind != "string":
                yield line, kind, text
            elif in_braces and self.keeps_all_in_braces:
                yield line, kind, text.replace("\\", "\\\\")
            else:
                yield line, kind, _ESCAPE.sub(_escaped, text)


def _escaped(found: Match[str]) -> str:
    return found[0] if found[1] in _KNOWN_ESCAPES else "\\" + found[0]


class _LexerOfYaml(_Lexer):
    keeps_all_in_braces = True


class _Environment(jinja2.Environment):
    code_generator_class = _Generator
    lexer_class = _Lexer

    @cached_property
    def lexer(self) -> jinja2.lexer.Lexer:
        return self.lexer_class(self)


class _OfYaml(_Environment):
    lexer_class = _LexerOfYaml


def text_environment() -> jinja2.Environment:
    """Return how the texts of a playbook are rendered."""
    return _with_words(_OfYaml, trim_blocks=True, lstrip_blocks=False, keep_trailing_newline=True)


def file_environment(
    *, trim_blocks: bool = True, lstrip_blocks: bool = False, keep_trailing_newline: bool = True
) -> jinja2.Environment:
    """Return how template files are rendered."""
    return _with_words(
        _Environment,
        trim_blocks=trim_blocks,
        lstrip_blocks=lstrip_blocks,
        keep_trailing_newline=keep_trailing_newline,
    )


def _with_words(kind: Any, **how: bool) -> jinja2.Environment:
    environment: jinja2.Environment = kind(
        undefined=_Undefined,
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
        **how,
    )
    environment.filters.update(FILTERS)
    environment.tests.update(TESTS)
    return environment
