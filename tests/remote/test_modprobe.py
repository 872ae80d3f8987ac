"""What stands in the files of modprobe.d is kept, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.remote.args import build
from edgectl.remote.tasks import modprobe


def test_a_file_in_another_encoding_is_read_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modprobe, "_OPTIONS", str(tmp_path))
    monkeypatch.setattr(modprobe, "_LOADED_AT_BOOT", str(tmp_path / "none"))
    (tmp_path / "old.conf").write_bytes(b"# f\xfcr alle\noptions dummy numdummies=1\n")
    wanted = build(modprobe.Args, {"name": "dummy", "persistent": "absent"})

    ((path, text),) = modprobe.files_for(wanted)

    assert path == str(tmp_path / "old.conf")
    assert text.encode("utf-8", "surrogateescape") == b"# f\xfcr alle\n#options dummy numdummies=1\n"
