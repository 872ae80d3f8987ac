"""Weights between hosts of one machine, each a process with a store of its own: one copy, resumed, proved, mended."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.tasks import _pieces
from tests.cli_run import ROOT
from tests.hosts.weights_origin import Origin, origin

_PROGRAM = """
import json, sys
from edgectl.remote import args, registry
from edgectl.remote.context import HostPaths, TaskContext
from edgectl.remote.proc import Proc
given, state = json.load(sys.stdin)
module = registry.load("weights")
context = TaskContext(False, False, Proc({}), HostPaths(state, state, state, state, state), {})
print(json.dumps(module.run(args.build(module.Args, given), context).as_dict()))
"""
_CONTENT = os.urandom(9_000_000)
_PIECE = 4 * 1024 * 1024
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()


@dataclass
class Pop:
    """Hosts by number; each fetches after those of smaller numbers."""

    folder: Path
    known: Origin
    network: str

    def relay(self, number: int) -> str:
        return f"{self.network}.{number}:18790"

    def file(self, **more: Any) -> dict[str, Any]:
        return {"name": "model", "sha256": _SHA256, "url": f"{self.known.url}/model", **more}

    def begin(self, number: int, **more: Any) -> subprocess.Popen[str]:
        given = {
            "files": [self.file()],
            "listen": self.relay(number),
            "neighbours": [self.relay(other) for other in range(1, number)],
            "token": "of this run",
            **more,
        }
        state = self.folder / str(number)
        state.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            env={"PYTHONPATH": str(ROOT), "PATH": os.defpath},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin
        process.stdin.write(json.dumps([given, str(state)]))
        process.stdin.close()
        return process

    def fetch(self, number: int, **more: Any) -> dict[str, Any]:
        return ended(self.begin(number, **more))

    def kept(self, number: int) -> bytes:
        return (self.folder / str(number) / "blobs/sha256" / _SHA256[:2] / _SHA256).read_bytes()

    def partial(self, number: int) -> Path:
        return self.folder / str(number) / "blobs/partial" / f"{_SHA256}.part"


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    with process:
        assert process.stdout
        found = json.loads(process.stdout.read())
    assert isinstance(found, dict)
    return found


@dataclass
class Cable:
    """A line to a neighbour's relay; `sent` are the bytes of each answer that was of the file.

    One that is `broken` changes a byte of every answer, else it is the first one's alone.
    """

    place: str = ""
    sent: list[int] = field(default_factory=list)
    broken: bool = False


@contextlib.contextmanager
def a_bad_cable(address: str, relay: str, flips_at: int) -> Iterator[Cable]:
    """Pass on what a relay answers, one byte of its first answer changed."""
    cable = Cable()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urllib.request.Request(f"http://{relay}{self.path}", headers=dict(self.headers))
            with urllib.request.urlopen(asked) as answer:
                content = bytearray(answer.read())
                self.send_response(answer.status)
            if not self.path.endswith("/pieces"):
                if not cable.sent or cable.broken:
                    content[min(flips_at, len(content) - 1)] ^= 1
                cable.sent.append(len(content))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer((address, 0), Handler) as server:
        cable.place = f"{address}:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield cable
        server.shutdown()


@pytest.fixture
def pop(tmp_path: Path, worker_id: str) -> Iterator[Pop]:
    network = f"127.77.{sum(worker_id.encode()) % 250}"
    with origin(tmp_path / "origin", "127.0.0.1") as known:
        (known.folder / "model").write_bytes(_CONTENT)
        yield Pop(tmp_path, known, network)
        for path in tmp_path.glob("*/relay.pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(path.read_text().split()[0]), signal.SIGTERM)


def test_hosts_that_begin_at_once_take_one_copy_from_the_origin(pop: Pop) -> None:
    pop.known.resets[0] = 3_000_000
    hosts = [pop.begin(number) for number in (3, 2, 1)]
    results = [ended(host) for host in hosts]
    assert [result["failed"] for result in results] == [False] * 3, results
    assert [pop.kept(number) == _CONTENT for number in (1, 2, 3)] == [True] * 3
    assert len(_CONTENT) <= pop.known.bytes < len(_CONTENT) + 200_000, "and no byte twice after the reset"
    assert [first for _, _, first, _ in pop.known.log][1:] != [0]


def test_a_bit_that_is_another_on_the_way_is_found_and_the_file_fetched_anew(pop: Pop) -> None:
    pop.known.flips.add(0)
    result = pop.fetch(1)
    assert (result["failed"], result["mended"], pop.kept(1) == _CONTENT) == (False, 1, True)


def test_pieces_that_differ_come_from_a_neighbour_and_the_origin_is_not_asked(pop: Pop) -> None:
    pop.fetch(1)
    pop.partial(2).parent.mkdir(parents=True)
    pop.partial(2).write_bytes(_CONTENT[:5_000_000] + b"X" + _CONTENT[5_000_001:])
    pop.known.sent.clear()
    result = pop.fetch(2)
    assert pop.kept(2) == _CONTENT
    assert (pop.known.bytes, result["from_neighbours"]) == (0, _PIECE)


def test_a_bit_that_is_another_at_the_origin_costs_one_piece_where_the_lock_knows_the_pieces(
    pop: Pop,
) -> None:
    pop.known.flips.add(0)
    pieces = _pieces.written(_pieces.of_file(str(pop.known.folder / "model"), _PIECE))
    result = pop.fetch(1, files=[pop.file(size=len(_CONTENT), pieces=pieces)])
    assert (result["failed"], result["mended"], pop.kept(1) == _CONTENT) == (False, 1, True)
    assert pop.known.bytes == result["from_origin"] == len(_CONTENT) + _PIECE
    assert [first for _, _, first, _ in pop.known.log] == [0, 0]


def test_a_bit_that_is_another_on_the_rack_s_network_costs_one_piece_from_the_neighbour(pop: Pop) -> None:
    pop.fetch(1)
    pop.known.sent.clear()
    with a_bad_cable(f"{pop.network}.8", pop.relay(1), flips_at=5_000_000) as cable:
        result = pop.fetch(2, neighbours=[cable.place])
    assert (result["failed"], pop.kept(2) == _CONTENT, pop.known.bytes) == (False, True, 0)
    assert cable.sent == [len(_CONTENT), _PIECE]


def test_what_a_neighbour_says_of_the_pieces_saves_the_origin_all_but_one(pop: Pop) -> None:
    pop.fetch(1)
    pop.known.sent.clear()
    with a_bad_cable(f"{pop.network}.8", pop.relay(1), flips_at=5_000_000) as cable:
        cable.broken = True
        result = pop.fetch(2, neighbours=[cable.place])
    assert (result["failed"], pop.kept(2) == _CONTENT) == (False, True)
    assert (pop.known.bytes, cable.sent) == (_PIECE, [len(_CONTENT), _PIECE])


def test_an_origin_without_ranges_gives_the_whole_file_again(pop: Pop) -> None:
    pop.known.flips.add(0)
    pop.known.ranges = False
    pieces = _pieces.written(_pieces.of_file(str(pop.known.folder / "model"), _PIECE))
    result = pop.fetch(1, files=[pop.file(size=len(_CONTENT), pieces=pieces)])
    assert (result["failed"], pop.kept(1) == _CONTENT) == (False, True)


def test_marks_that_are_wrong_themselves_cost_time_and_no_file(pop: Pop) -> None:
    pop.known.flips.add(0)
    marks = " ".join(["0" * 16] * 3)
    result = pop.fetch(1, files=[pop.file(size=len(_CONTENT), pieces=marks)])
    assert (result["failed"], pop.kept(1) == _CONTENT) == (False, True)


def test_bytes_that_stay_wrong_are_kept_nowhere(pop: Pop) -> None:
    pop.known.flips.update(range(100))
    result = pop.fetch(1)
    assert "has another sha256" in result["msg"]
    assert not pop.partial(1).exists()


def test_a_neighbour_without_the_token_gets_nothing_and_goes_to_the_origin(pop: Pop) -> None:
    pop.fetch(1)
    pop.known.sent.clear()
    assert pop.fetch(2, token="guessed")["from_origin"] == len(_CONTENT)


def test_a_relay_that_nobody_asks_ends_by_itself(pop: Pop) -> None:
    pop.fetch(1, idle=0.2)
    relay = Path("/proc") / (pop.folder / "1/relay.pid").read_text().split()[0]
    give_up = time.monotonic() + 20
    while relay.exists():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def test_two_services_that_ship_to_one_host_share_its_relay_and_neither_goes_to_the_origin_twice(
    pop: Pop,
) -> None:
    (pop.known.folder / "other").write_bytes(_CONTENT[:3_000_000])
    other = pop.file(url=f"{pop.known.url}/other", sha256=hashlib.sha256(_CONTENT[:3_000_000]).hexdigest())
    both = [pop.begin(1), pop.begin(1, files=[other], token="of another run")]
    assert [ended(host)["failed"] for host in both] == [False] * 2
    pop.known.sent.clear()
    first, second = pop.fetch(2), pop.fetch(2, files=[other], token="of another run")
    assert (first["from_neighbours"], second["from_neighbours"]) == (len(_CONTENT), 3_000_000)
    assert pop.known.bytes == 0
    kept = [path.read_text() for path in (pop.folder / "1/relay").iterdir()]
    assert len(kept) == 2
    assert "of another run" not in "".join(kept)


def test_a_relay_that_is_to_listen_elsewhere_does(pop: Pop) -> None:
    pop.fetch(1)
    pop.fetch(1, listen=f"{pop.network}.1:18791")
    pop.known.sent.clear()
    assert pop.fetch(2, neighbours=[f"{pop.network}.1:18791"])["failed"] is False
    assert pop.known.bytes == 0


def test_the_origin_s_line_is_used_no_faster_than_it_may_be(pop: Pop) -> None:
    result = pop.fetch(1, bandwidth=6_000_000)
    assert result["seconds"] >= 1.4
