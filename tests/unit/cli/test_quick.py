"""The short way to understand a command's words agrees with typer's own, or leaves them to it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from edgectl.cli.quick import QuickCommand


class Fruit(StrEnum):
    APPLE = "apple"
    PEAR = "pear"


def _app(seen: list[dict[str, Any]], command: Any) -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)

    @app.command(cls=command)
    def run(  # noqa: PLR0917 - one of each kind
        words: Annotated[list[str] | None, typer.Argument()] = None,
        text: str | None = None,
        count: Annotated[int, typer.Option(min=1)] = 3,
        rate: float | None = None,
        fruit: Fruit = Fruit.APPLE,
        path: Path | None = None,
        more: Annotated[list[str] | None, typer.Option()] = None,
        flag: bool = False,
    ) -> None:
        seen.append(dict(locals()) | {"seen": None, "app": None})

    return app


LINES = [
    [],
    ["a", "b"],
    ["--text", "x", "--text="],
    ["--count", "5"],
    ["--count", "0"],
    ["--count", "many"],
    ["--rate", "2.5"],
    ["--rate", "x"],
    ["--fruit", "pear"],
    ["--fruit", "Pear"],
    ["--fruit", "plum"],
    ["--path", "/nowhere/at/all"],
    ["--path", "/etc/passwd"],
    ["--more", "a", "--more", "b"],
    ["--flag"],
    ["--nonsense"],
    ["--", "--text"],
]


@pytest.mark.parametrize("line", LINES, ids=[" ".join(line) for line in LINES])
def test_a_command_understands_what_typer_would(line: list[str]) -> None:
    quick: list[dict[str, Any]] = []
    plain: list[dict[str, Any]] = []

    ours = CliRunner().invoke(_app(quick, QuickCommand), line)
    typers = CliRunner().invoke(_app(plain, None), line)

    assert (ours.exit_code, ours.output) == (typers.exit_code, typers.output)
    assert quick == plain
    assert [[type(value) for value in call.values()] for call in quick] == [
        [type(value) for value in call.values()] for call in plain
    ]
