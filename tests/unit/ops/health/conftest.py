"""The fleet that health tests look at over time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.ops.health.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
