"""What the parts of a specification have in common: strictness, plain scalars, rates."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

_RATE = re.compile(r"^(\d+(?:\.\d+)?)\s*([kMGT]?)(B|bit)/s$")
_PREFIX = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_BITS = 8


class Strict(BaseModel):
    """A part that refuses unknown keys and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _scalar(value: Any) -> str | int | float | bool:
    if not isinstance(value, str | int | float):
        raise ValueError(f"a text, a number or true or false is wanted, not {value!r}")  # noqa: TRY004 - pydantic's word
    return value


def _rate(value: Any) -> Any:
    """Parse `200 MB/s` or `1Gbit/s` into bytes per second."""
    match = _RATE.match(str(value))
    if match is None:
        raise ValueError(f"a rate such as 200MB/s or 1Gbit/s is wanted, not {value!r}")
    return float(match[1]) * _PREFIX[match[2]] / (_BITS if match[3] == "bit" else 1)


ScalarValue = str | int | float | bool
Scalar = Annotated[ScalarValue, PlainValidator(_scalar)]
BytesPerSecond = Annotated[float, BeforeValidator(_rate)]
