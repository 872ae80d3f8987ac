from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest

from edgectl.errors import ExitCode
from edgectl.output import json_report
from edgectl.report import HostEntry, Report


def report(hosts: int) -> Report:
    data = {"hosts": [], "text": 'a\n  "hosts": []'}
    entries = tuple(HostEntry(f"n{n:04}", "fra1", "ok", data={"stdout": "a\nb"}) for n in range(hosts))
    return Report("exec", datetime(2026, 11, 23, tzinfo=UTC), 1.0, ExitCode.DONE, hosts=entries, data=data)


@pytest.mark.parametrize("hosts", [0, 1, 100, 101, 150])
def test_the_object_is_the_same_however_it_is_laid_out(hosts: int) -> None:
    out = io.StringIO()
    json_report.render(report(hosts), out)

    assert json.loads(out.getvalue()) == json_report.as_json(report(hosts))
    assert out.getvalue().endswith("}\n")


def test_each_of_many_hosts_is_one_line() -> None:
    out = io.StringIO()
    json_report.render(report(150), out)

    lines = [line for line in out.getvalue().splitlines() if '"host": ' in line]
    assert [json.loads(line.rstrip(","))["host"] for line in lines] == [f"n{n:04}" for n in range(150)]
