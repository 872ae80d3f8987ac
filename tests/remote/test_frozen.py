"""Our frozen dataclasses beside the original, which the type checker takes them for."""

from __future__ import annotations

import dataclasses
import pickle
from types import ModuleType
from typing import Any

import pytest

from edgectl.remote import frozen

BOTH = pytest.mark.parametrize("how", [frozen, dataclasses], ids=["ours", "original"])


def made(how: Any) -> Any:
    @how.dataclass(frozen=True)
    class Base:
        a: int
        b: str = "b"
        c: list[int] = how.field(default_factory=list)

        def __post_init__(self) -> None:
            if self.a < 0:
                raise ValueError("a is negative")

    @how.dataclass(frozen=True)
    class Kind(Base):
        b: str = "other"
        d: Any = how.field(default=None, metadata={"doc": "The last."})

    return Kind


@BOTH
def test_fields_come_in_order_with_those_of_the_base_first(how: ModuleType) -> None:
    found = how.fields(made(how))

    assert [field.name for field in found] == ["a", "b", "c", "d"]
    assert [field.type for field in found] == ["int", "str", "list[int]", "Any"]
    assert found[3].metadata["doc"] == "The last."


@BOTH
def test_arguments_are_taken_by_place_and_by_name_and_defaults_are_fresh(how: ModuleType) -> None:
    kind = made(how)
    one, other = kind(1, "x", d=2), kind(a=1)

    assert vars(one) == {"a": 1, "b": "x", "c": [], "d": 2}
    assert list(vars(one)) == ["a", "b", "c", "d"]
    assert vars(other) == {"a": 1, "b": "other", "c": [], "d": None}
    assert one.c is not other.c


@BOTH
@pytest.mark.parametrize(
    ("args", "given"), [((), {}), ((1, 2, 3, 4, 5), {}), ((1,), {"a": 1}), ((1,), {"e": 1})]
)
def test_wrong_arguments_are_a_type_error(
    how: ModuleType, args: tuple[int, ...], given: dict[str, int]
) -> None:
    with pytest.raises(TypeError):
        made(how)(*args, **given)


@BOTH
def test_the_rule_across_fields_is_asked(how: ModuleType) -> None:
    with pytest.raises(ValueError, match="negative"):
        made(how)(-1)


@BOTH
def test_nothing_can_be_set_or_deleted(how: ModuleType) -> None:
    one = made(how)(1)

    with pytest.raises(AttributeError):
        one.a = 2
    with pytest.raises(AttributeError):
        del one.a


@BOTH
def test_equal_is_who_has_equal_fields_and_the_same_class(how: ModuleType) -> None:
    kind, other = made(how), made(how)

    assert kind(1) == kind(1)
    assert kind(1) != kind(2)
    assert kind(1) != other(1)
    assert hash(kind(1, c=())) == hash(kind(1, c=()))


@BOTH
@pytest.mark.parametrize("replace", [frozen.replace, dataclasses.replace], ids=["ours", "original"])
def test_a_copy_differs_where_it_is_told_to(how: ModuleType, replace: Any) -> None:
    one = made(how)(1, d=3)

    assert vars(replace(one, a=2)) == {"a": 2, "b": "other", "c": [], "d": 3}


def test_a_job_can_be_sent_to_another_process() -> None:
    from tests.fakes.fleet import a_job, a_task

    job = a_job([a_task()])

    assert pickle.loads(pickle.dumps(job)) == job  # noqa: S301 - our own
