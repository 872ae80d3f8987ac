"""Hosts fetch from origins that want a login; what they show there is in no journal, no output and no command line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from edgectl.remote.protocol import Ended
from edgectl.remote.tasks._logins import BEARER, S3, Login, written
from tests.fakes.fleet import a_job, a_task
from tests.fakes.signatures import is_signed
from tests.hosts.weights_origin import Origin, origin
from tests.remote.bundled import BundledHost, Visit, end_of

_CONTENT = os.urandom(2_000_000)
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()
_SECRET, _TOKEN = "wJalr/of+the+test/EXAMPLEKEY", "tok-of-the-test-123"
_LOGINS = {
    "s3://models/": Login(S3, ("AKIAOFTHETEST", _SECRET, ""), "eu-central-1"),
    "https://x/": Login(BEARER, (_TOKEN,)),
}


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Origin]:
    with origin(tmp_path / "origin", "127.0.0.1") as one:
        (one.folder / "models").mkdir()
        (one.folder / "models/model").write_bytes(_CONTENT)
        yield one


def fetching(known: Origin, folder: Path, module: str, login: str) -> tuple[Visit, str]:
    """Return what a host said, and every command line there was while it fetched."""
    host = BundledHost(folder)
    file = {"name": "model", "sha256": _SHA256, "url": f"{known.url}/models/model", "login": login}
    told = {"files": [file]} if module == "weights" else {k: v for k, v in file.items() if k != "name"}
    job = a_job(
        [a_task(1, module, {**told, "logins": "{{ origin_logins }}"})],
        secrets={"origin_logins": written(_LOGINS)},
        needs=["jinja2"],
    )
    known.pace_s = 0.01
    begun = host.start(job)
    host.wait_for(folder / "var/lib/edgectl/blobs")
    lines = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with_it = path.read_bytes() if path.exists() else b""
        lines += with_it
    return end_of(begun), lines.decode(errors="replace")


def kept(folder: Path) -> str:
    """Return all that is written at a host but its code and the model."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < len(_CONTENT)]
    return "".join(path.read_bytes().decode(errors="replace") for path in files)


@pytest.mark.parametrize("module", ["weights", "blob"])
def test_a_private_bucket_is_fetched_from_with_a_signature(
    known: Origin, tmp_path: Path, module: str
) -> None:
    known.admits = partial(is_signed, key="AKIAOFTHETEST", secret=_SECRET)
    visit, lines = fetching(known, tmp_path, module, "s3://models/")

    assert visit.end.status == "changed", visit
    assert _SECRET not in str(visit) + lines + kept(tmp_path)


def test_a_token_is_shown_to_the_origin_alone(known: Origin, tmp_path: Path) -> None:
    known.admits = lambda _method, _path, headers: headers.get("Authorization") == f"Bearer {_TOKEN}"
    visit, lines = fetching(known, tmp_path, "weights", "https://x/")

    assert visit.end.status == "changed", visit
    assert _TOKEN not in str(visit) + lines + kept(tmp_path)


def test_a_login_that_is_refused_fails_the_host_and_is_not_told(known: Origin, tmp_path: Path) -> None:
    known.admits = lambda *_asked: False
    visit, _ = fetching(known, tmp_path, "weights", "https://x/")
    (ended,) = visit.of(Ended)

    assert "the server answers 401" in ended.reason
    assert _TOKEN not in str(visit) + kept(tmp_path)
