from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.ops.health.apply import check
from edgectl.report import Report
from tests.unit.ops.health.asked import services
from tests.unit.ops.health.test_report import SICK


@pytest.fixture
def a_report(tmp_path: Path) -> Report:
    """The health of a small fleet with everything in it: findings, a lost GPU, a host that does not answer."""
    return check(services(tmp_path, SICK), None, None)
