"""The page of `--html` in a real browser that has no network: it draws, and asks for nothing."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgectl.errors import ExitCode
from edgectl.output.page import render
from edgectl.report import Chart, Line, Report, Section, Series, Table, Tone

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium")

WIDTH, HEIGHT = 1100, 900
EVIL = "<script>document.title='taken'</script><img src=http://127.0.0.1:1/x>"
REPORT = Report(
    command="bench run",
    started=datetime(2026, 11, 30, 9, tzinfo=UTC),
    seconds=30.0,
    exit_code=ExitCode.DONE,
    run="01JD0000000000000000000000",
    body=[Table(["", ">mean"], [["TTFT", "181"], [EVIL, "1"]]), Line(EVIL, Tone.BAD)],
    sections=[
        Section(
            "Curves",
            [
                Chart(
                    "TTFT by throughput",
                    "tokens per second",
                    "TTFT (ms)",
                    [
                        Series("p50", [(100, 20), (200, 22), (400, 90)], [(100, 18, 22), (400, 80, 99)]),
                        Series(EVIL, [(100, 30), (200, 45), (400, 240)]),
                    ],
                    limit=60,
                ),
                Chart(
                    "Within", "ms", "percent", [Series("all", [(1, 0), (2, 50), (4, 100)])], has_steps=True
                ),
                Chart("One value", "ms", "percent", [Series("all", [(1, 7)])]),
                Chart("Nothing", "ms", "percent", []),
            ],
        )
    ],
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "run.html"
    with path.open("w", encoding="utf-8") as stream:
        render(REPORT, stream, beside=["run.csv", "run.json"])
    return path


def _browse(page: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Open the page in Chromium, for which every name and every address is out of reach."""
    assert CHROMIUM is not None
    profile = page.parent / "profile"
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
        "--proxy-server=127.0.0.1:1", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}",
        f"--window-size={WIDTH},{HEIGHT}", *words, page.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)


@pytest.fixture(scope="module")
def drawn(page: Path) -> str:
    """The document as the browser understood it."""
    return _browse(page, "--dump-dom").stdout


def test_every_chart_with_a_value_is_drawn(drawn: str) -> None:
    assert drawn.count("<svg") == 3
    assert len(re.findall("<polyline", drawn)) == 4
    assert "TTFT by throughput" in drawn
    assert "limit 60" in drawn


def test_what_a_server_says_is_text_and_not_code(drawn: str) -> None:
    assert "<title>edgectl bench run</title>" in drawn
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert drawn.count("&lt;script&gt;") >= 3


def test_the_page_asks_for_nothing_from_anywhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert re.findall(r"""(?:src|href)=["']?([^"'> ]+)""", text.replace("src=http://127.0.0.1:1/x", "")) == [
        "run.csv",
        "run.json",
    ]
    assert "url(" not in text
    assert "@import" not in text


def test_it_is_painted_and_nothing_is_complained_of(page: Path) -> None:
    picture = page.parent / "page.png"

    done = _browse(page, f"--screenshot={picture}")

    assert "CONSOLE" not in done.stderr
    raw = picture.read_bytes()
    assert struct.unpack(">II", raw[16:24]) == (WIDTH, HEIGHT)
    # A page without anything on it compresses to a few kB at this size.
    assert len(raw) > 30_000
