from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.lab.model import write_model


def test_the_same_seed_writes_the_same_model_and_another_one_another(tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="needs edgectl[lab]")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_model(tmp_path / name, seed)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()
