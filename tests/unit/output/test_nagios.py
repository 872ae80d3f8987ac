"""A plugin's lines for a fleet: what is said of many hosts is said once."""

from __future__ import annotations

import io

from edgectl.errors import ExitCode
from edgectl.output import nagios
from edgectl.report import Check, Report
from tests.fakes.clock import START


def _lines(*checks: Check) -> list[str]:
    out = io.StringIO()
    nagios.render(Report("ping", START, 1.0, ExitCode.FAILED, checks=checks), out)
    return out.getvalue().splitlines()[1:]


def test_the_same_trouble_of_many_hosts_is_one_line() -> None:
    away = [Check("host", f"fra1-n{number:02d}", "unknown", "refused") for number in range(1, 41)]
    hot = Check("gpu-hot", "gru1-n01", "warning", "91 °C")

    assert _lines(*away, hot) == ["fra1-n[01-40] (40): host: refused", "gru1-n01: gpu-hot: 91 °C"]


def test_what_differs_by_nature_is_left_out_of_a_line_for_several() -> None:
    checks = [
        Check("host", f"n{number}", "unknown", f"n{number}: no route to 10.0.0.{number}") for number in (1, 2)
    ]

    assert _lines(*checks) == ["n[1-2] (2): host: …: no route to …"]
    assert _lines(checks[0]) == ["n1: host: n1: no route to 10.0.0.1"]


def test_lines_beyond_what_a_plugin_may_say_are_counted_by_host() -> None:
    checks = [Check(f"c{kind}", f"n{number}", "failed", "x") for kind in range(25) for number in range(3)]

    lines = _lines(*checks)
    assert (len(lines), lines[-1]) == (21, "and 15 more")
