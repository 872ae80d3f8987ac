"""What travelling code takes for names of `typing` and `contextlib`, beside the originals."""

from __future__ import annotations

import contextlib
import pickle
import typing
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote import lean

BOTH = pytest.mark.parametrize("how", [lean, typing], ids=["ours", "original"])


class Ours(lean.NamedTuple):
    """At the module's level, where pickle finds it."""

    a: int
    b: str = "b"

    @property
    def both(self) -> str:
        return f"{self.a}{self.b}"


def made(how: Any) -> Any:
    class Kind(how.NamedTuple):  # type: ignore[misc]  # which of the two it is, is the test's matter
        a: int
        b: str = "b"
        c: Any = None

        def more(self) -> int:
            return self.a + 1

    return Kind


@BOTH
def test_a_record_is_a_tuple_with_names_defaults_and_methods(how: Any) -> None:
    one = made(how)(1, c=[2])

    assert one == (1, "b", [2])
    assert (one.a, one.b, one.c, one.more()) == (1, "b", [2], 2)
    assert one._fields == ("a", "b", "c")
    assert one._asdict() == {"a": 1, "b": "b", "c": [2]}
    assert one._replace(b="other") == (1, "other", [2])
    assert repr(one).endswith("Kind(a=1, b='b', c=[2])")
    assert not hasattr(one, "__dict__")


@BOTH
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((), {}),
        ((), {"b": "x"}),
        ((1, 2, 3, 4), {}),
        ((1,), {"a": 1}),
        ((1,), {"d": 1}),
        ((1, 2, 3), {"d": 1}),
    ],
)
def test_other_arguments_than_its_fields_are_refused(how: Any, given: Any, named: Any) -> None:
    with pytest.raises(TypeError):
        made(how)(*given, **named)


@BOTH
def test_a_name_that_is_no_field_cannot_be_replaced_or_set(how: Any) -> None:
    one = made(how)(1)

    with pytest.raises((TypeError, ValueError)):
        one._replace(d=1)
    with pytest.raises(AttributeError):
        one.a = 2


def test_a_record_goes_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Ours(1))) == Ours(1)  # noqa: S301 - our own
    assert Ours(1).both == "1b"


@pytest.mark.parametrize("suppress", [lean.suppress, contextlib.suppress], ids=["ours", "original"])
def test_what_is_named_is_suppressed_and_nothing_else(suppress: Any) -> None:
    with suppress(KeyError, OSError):
        Path("/nonexistent/absent").unlink()
    with suppress(KeyError):
        pass
    with pytest.raises(ValueError, match="other"), suppress(KeyError):
        int("other")


def test_a_module_is_imported_by_its_full_name() -> None:
    assert lean.import_module("os.path").join("a", "b") == "a/b"
