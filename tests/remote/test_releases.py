"""The releases of a service on disk: whose GPUs they have, where adapters lie, and what is let go of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.context import HostPaths
from edgectl.remote.tasks._releases import Releases
from edgectl.remote.tasks.blob import path_of

_LAW, _MED, _BASE = "1" * 64, "2" * 64, "3" * 64


@pytest.fixture
def paths(tmp_path: Path) -> HostPaths:
    found = HostPaths(*[str(tmp_path)] * 5)
    for digest in (_LAW, _MED, _BASE):
        blob = Path(path_of(found.blobs, digest))
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_text(digest)
    return found


def lay_out(releases: Releases, name: str, *adapters: tuple[str, str], **more: Any) -> None:
    files = [{"name": "base.bin", "sha256": _BASE, "folder": "model"}]
    files += [{"name": "a.bin", "sha256": digest, "folder": f"adapters/{one}"} for one, digest in adapters]
    assert releases.lay_out(name, files, json.dumps({"files": files, **more})) == ""
    assert releases.is_laid_out(name, files)
    releases.make_current(name)


def test_a_gpu_that_another_service_has_is_not_given_twice(paths: HostPaths) -> None:
    chat, embed = Releases(paths, "chat"), Releases(paths, "embed")
    lay_out(embed, "r-1", gpus=["0", "2"])
    lay_out(embed, "r-2", gpus=["2", "3"])

    assert chat.clash(["0", "1"]) == ""
    assert "the service embed has GPU 3 here" in chat.clash(["1", "3"])
    assert embed.clash(["2", "3"]) == ""


def test_releases_share_an_adapter_and_the_last_one_takes_it_along(paths: HostPaths, tmp_path: Path) -> None:
    chat = Releases(paths, "chat")
    lay_out(chat, "r-1", ("law-1", _LAW))
    lay_out(chat, "r-2", ("law-1", _LAW), ("med-2", _MED))
    folders = tmp_path / "releases/chat/adapters"
    assert chat.filled("{adapters}/law-1", "r-2") == str(folders / "law-1")
    lay_out(chat, "r-3", ("med-2", _MED))
    chat.prune(1)
    assert sorted(path.name for path in folders.iterdir()) == ["law-1", "med-2"]
    lay_out(chat, "r-4", ("med-2", _MED))
    chat.go_back()
    chat.prune(1)
    assert [path.name for path in folders.iterdir()] == ["med-2"]
    assert chat.beyond(1) == []
