"""Weights that travel tell where they stand: live, in the journal, and to whoever continues them."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.protocol import Heartbeat
from tests.fakes.fleet import a_job, a_task
from tests.hosts.weights_origin import Origin, origin
from tests.remote.bundled import BundledHost, Visit, end_of

_CONTENT = os.urandom(6_000_000)
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()


@pytest.fixture
def host(tmp_path: Path) -> BundledHost:
    return BundledHost(tmp_path)


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Origin]:
    with origin(tmp_path / "origin", "127.0.0.1") as one:
        (one.folder / "model").write_bytes(_CONTENT)
        one.pace_s = 0.03
        yield one


def shipping(known: Origin, **more: Any) -> Any:
    file = {"name": "model", "sha256": _SHA256, "url": f"{known.url}/model", **more}
    return a_job([a_task(1, "weights", {"files": [file]})])


def stands(visit: Visit) -> list[int]:
    return [beat.done for beat in visit.of(Heartbeat) if beat.total]


def test_a_transfer_tells_where_it_stands_whoever_listens_and_the_journal_keeps_at_most_each_twentieth(
    host: BundledHost, known: Origin
) -> None:
    job = shipping(known, size=len(_CONTENT))
    begun = host.start(job)
    host.wait_for(host.journal(job))
    followed = end_of(host.start(job))
    visit = end_of(begun)
    told = stands(visit)

    assert visit.end.status == "changed"
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, len(_CONTENT))
    assert 3 <= len(told) <= 21
    assert stands(followed) == told == stands(host.run(job))


def test_a_size_that_no_lock_knows_is_learned_from_the_origin(host: BundledHost, known: Origin) -> None:
    known.pace_s = 0.0
    visit = host.run(shipping(known))

    assert {beat.total for beat in visit.of(Heartbeat)} == {len(_CONTENT)}


def test_whoever_continues_a_killed_transfer_says_where_it_stood_and_counts_no_byte_twice(
    host: BundledHost, known: Origin
) -> None:
    job = shipping(known, size=len(_CONTENT))
    begun = host.start(job)
    give_up = time.monotonic() + 20
    while known.bytes < len(_CONTENT) // 4:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    live = host.journal(job).parent / "live"
    os.kill(int(live.read_text().split()[0]), signal.SIGKILL)
    end_of(begun)
    time.sleep(1.8)  # its child finds nobody to tell, and ends too
    known.pace_s = 0.0
    partial = (host.folder / f"var/lib/edgectl/blobs/partial/{_SHA256}.part").stat().st_size
    again = host.run(job, after=3)

    assert again.end.status == "changed"
    assert max(stands(again)) == len(_CONTENT)
    assert known.bytes < len(_CONTENT) + 3_000_000, "what the origin had sent and nobody had read"
    assert [first for _, _, first, _ in known.log] == [0, partial]
