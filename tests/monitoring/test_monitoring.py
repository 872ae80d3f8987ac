"""What edgectl gives to Prometheus and Grafana, by Prometheus' own tools."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.catalog.monitoring import Shipped, text_of
from edgectl.output.formats import Format
from edgectl.output.render import render
from edgectl.report import Report

PROMTOOL = shutil.which("promtool")
TESTS = Path(__file__).with_name("alerts_test.yaml")
NAME = re.compile(r"\bedgectl_[a-z_]+")

pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="needs promtool: apt-get install prometheus")


def _promtool(*words: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROMTOOL), *map(str, words)], input=stdin, capture_output=True, text=True, check=False
    )


def _metrics(report: Report) -> str:
    text = StringIO()
    render(report, Format.PROMETHEUS, text, color=False)
    return text.getvalue()


def test_what_health_writes_is_a_textfile_without_a_complaint(a_report: Report) -> None:
    checked = _promtool("check", "metrics", stdin=_metrics(a_report))

    assert (checked.returncode, checked.stderr) == (0, "")


def test_each_alert_does_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(text_of(Shipped.ALERTS))
    (tmp_path / TESTS.name).write_text(TESTS.read_text())
    tested = _promtool("test", "rules", tmp_path / TESTS.name)

    assert tested.returncode == 0, tested.stdout + tested.stderr
    alerts = {rule["alert"] for rule in _rules() if "alert" in rule}
    tests = yaml.safe_load(TESTS.read_text())["tests"]
    cases = {case["alertname"] for test in tests for case in test["alert_rule_test"]}
    assert cases == alerts


def test_alerts_and_dashboard_use_only_what_health_writes(a_report: Report) -> None:
    written = set(NAME.findall(_metrics(a_report)))
    used = {
        name
        for expr in (*_expressions(), *(rule["expr"] for rule in _rules()))
        for name in NAME.findall(expr)
    }

    assert used <= written


def test_every_expression_of_the_dashboard_is_valid(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expr.replace("$pop", ".*")}
        for number, expr in enumerate(_expressions())
    ]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    checked = _promtool("check", "rules", path)

    assert checked.returncode == 0, checked.stderr
    assert len(rules) > 8


def test_the_units_of_systemd_are_valid(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    text = (
        text_of(Shipped.SERVICE)
        .replace("/usr/local/bin/edgectl", "/bin/true")
        .replace("User=edgectl", "User=root")
    )
    (tmp_path / "edgectl-health.service").write_text(text)
    (tmp_path / "edgectl-health.timer").write_text(text_of(Shipped.TIMER))
    checked = subprocess.run(
        [analyze, "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )

    complaints = [line for line in checked.stderr.splitlines() if "edgectl-health" in line]
    assert (checked.returncode, complaints) == (0, [])


def _rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(text_of(Shipped.ALERTS))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def _expressions() -> Iterator[str]:
    for panel in json.loads(text_of(Shipped.DASHBOARD))["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
