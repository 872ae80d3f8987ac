from __future__ import annotations

from typing import Any, Literal

import pytest

from edgectl.remote.args import ArgumentError, Mode, arg, build, coerce, field_named, public_names
from edgectl.remote.frozen import dataclass


@dataclass(frozen=True)
class Sample:
    path: str = arg(aliases=("dest", "name"), doc="A path.")
    mode: Mode | None = arg(None, doc="A mode.")
    state: Literal["yes", "no", "dist"] = arg("no", doc="A choice.")
    hidden: str | None = arg(None, doc="Ours.", internal=True)

    def __post_init__(self) -> None:
        if self.path == "/":
            raise ValueError("'path' must not be the root")


@pytest.mark.parametrize(
    ("value", "kind", "result"),
    [
        (7, "str", "7"),
        (True, "str", "True"),
        ("7", "int", 7),
        (7.0, "int", 7),
        ("1.5", "float", 1.5),
        (2, "float", 2.0),
        ("yes", "bool", True),
        ("On", "bool", True),
        (0, "bool", False),
        ("f", "bool", False),
        (None, "str | None", None),
        (None, "Any", None),
        ("a,b, c", "list[str]", ["a", "b", "c"]),
        ("", "list[str]", []),
        (5, "list[int]", [5]),
        (["1", 2], "list[int]", [1, 2]),
        ("200,201", "list[int]", [200, 201]),
        # An expression may hold commas: what may be anything is not split.
        ("x in (1, 2)", "list[Any]", ["x in (1, 2)"]),
        ([["a", None, "0644"]], "list[list[Any]]", [["a", None, "0644"]]),
        ({"a": 1}, "dict[str, Any]", {"a": 1}),
        ("a=1 b='two words'", "dict[str, Any]", {"a": "1", "b": "two words"}),
        ("a=1,b=2", "dict[str, Any]", {"a": "1", "b": "2"}),
        ('{"a": 1}', "dict[str, Any]", {"a": 1}),
        ("0644", "Mode", "0644"),
        (0o644, "Mode", "0644"),
        (644, "Mode", "1204"),  # Ansible's old trap, taken at its word
        ("u=rwX,go=", "Mode", "u=rwX,go="),
        ("preserve", "Mode", "preserve"),
        (True, "Literal['yes', 'no', 'dist']", "yes"),
        (False, "Literal['yes', 'no', 'dist']", "no"),
        ("dist", "Literal['yes', 'no', 'dist']", "dist"),
    ],
    ids=repr,
)
def test_a_value_is_coerced_by_ansibles_rules(value: Any, kind: str, result: Any) -> None:
    assert coerce("x", value, kind) == result


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "str"),
        ({}, "str"),
        ([], "str"),
        ("1.5", "int"),
        (1.5, "int"),
        (True, "int"),
        ("many", "float"),
        (True, "float"),
        ("maybe", "bool"),
        (2, "bool"),
        ("a", "list[int]"),
        (None, "list[str]"),
        ([1], "dict[str, Any]"),
        ("{broken", "dict[str, Any]"),
        ("word", "dict[str, Any]"),
        ("0999", "Mode"),
        ("rw", "Mode"),
        ("", "Mode"),
        (1.5, "Mode"),
        (True, "Mode"),
        ("other", "Literal['yes', 'no']"),
        (True, "Literal['a', 'b']"),
    ],
    ids=repr,
)
def test_a_value_that_cannot_be_meant_is_refused_by_the_arguments_name(value: Any, kind: str) -> None:
    with pytest.raises(ArgumentError):
        coerce("x", value, kind)


def test_an_alias_is_the_argument_itself() -> None:
    assert build(Sample, {"dest": "/a"}) == Sample(path="/a")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"path": "/a", "dest": "/b"}, "dest"),
        ({"path": "/a", "typo": 1}, "typo"),
        ({"path": "/a", "hidden": "x"}, "hidden"),
        ({}, ""),
        ({"path": "/"}, ""),
    ],
)
def test_arguments_that_do_not_fit_are_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        build(Sample, given)

    assert refused.value.field == field


def test_an_internal_argument_is_for_the_compiler_only() -> None:
    assert build(Sample, {"path": "/a", "hidden": "x"}, internal=True).hidden == "x"
    assert public_names(Sample) == ["path", "dest", "name", "mode", "state"]


def test_a_field_is_found_by_its_alias() -> None:
    assert field_named(Sample, "name").name == "path"  # type: ignore[union-attr]
    assert field_named(Sample, "nothing") is None
