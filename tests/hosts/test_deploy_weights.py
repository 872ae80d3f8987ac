"""Weights on real hosts: one copy per PoP, resumed, proved and mended; the origin's own log is the witness."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.cli_run import Ended
from tests.fakes.signatures import is_signed
from tests.hosts import debian_service
from tests.hosts.debian_service import ENGINE, Site
from tests.hosts.weights_origin import Origin, origin

_STORE = "/var/lib/edgectl/blobs"
_MB = 1_000_000
_SECRET = "wJalr/of+the+test/EXAMPLEKEY"


class Ship:
    """A site, an origin next to it, and a model of so many megabytes that the service wants."""

    def __init__(self, site: Site, known: Origin) -> None:
        self.site = site
        self.origin = known
        self._seed = 0

    def wants(self, megabytes: int, **weights: object) -> str:
        """Write another model to the origin and let the specification name it; return its digest."""
        content = os.urandom(megabytes * _MB)
        (self.origin.folder / "bucket").mkdir(exist_ok=True)
        (self.origin.folder / "bucket" / "model.safetensors").write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        self._seed += 1
        script = json.dumps({"says": f"release {self._seed} says hello to all of you"}).encode()
        self.site.write_model(script, ENGINE, weights=weights)
        path = self.site.edgectl.inventory / "services/chat.yaml"
        path.with_name("chat.lock.yaml").unlink(missing_ok=True)
        spec = yaml.safe_load(path.read_text())
        url = f"{self.origin.url}/bucket/model.safetensors?X-Amz-Signature=1"
        spec["model"]["files"].append({"source": url, "sha256": sha256, "name": "model.safetensors"})
        path.write_text(yaml.safe_dump(spec))
        self.origin.sent.clear()
        self.origin.log.clear()
        return sha256

    def have(self, sha256: str) -> list[str]:
        path = f"{_STORE}/sha256/{sha256[:2]}/{sha256}"
        return [said.split()[0] for said in self.site.on_all(f"sha256sum {path}")]

    def apply(self) -> Ended:
        return self.site.apply()


@pytest.fixture(scope="module")
def pop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ship]:
    """A PoP of three hosts."""
    if reason := debian_service.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("weights")
    with (
        debian_service.debian_service(folder, debian_service.names(1, 3)) as site,
        origin(folder / "origin", site.here) as known,
    ):
        yield Ship(site, known)


@pytest.fixture
def ship(pop: Ship) -> Ship:
    pop.origin.flips.clear()
    pop.origin.resets.clear()
    pop.origin.pace_s = 0.0
    pop.origin.admits = lambda *_asked: True
    return pop


@pytest.mark.long
def test_a_pop_takes_one_copy_and_a_line_that_breaks_costs_no_byte_twice(ship: Ship) -> None:
    sha256 = ship.wants(20)
    ship.origin.resets[0] = 5 * _MB
    ended = ship.apply()
    assert ended.code == 0, ended
    assert ship.have(sha256) == [sha256] * 3
    assert 20 * _MB <= ship.origin.bytes < 21 * _MB
    assert [first > 0 for _, _, first, _ in ship.origin.log] == [False, True]


@pytest.mark.long
def test_a_bit_that_is_another_on_the_way_is_found_and_the_file_fetched_anew(ship: Ship) -> None:
    sha256 = ship.wants(10)
    ship.origin.flips.add(0)
    assert ship.apply().code == 0
    assert ship.have(sha256) == [sha256] * 3
    assert len(ship.origin.sent) == 1, "the neighbours took it from the one that mended it"


@pytest.mark.long
def test_a_damaged_copy_is_mended_by_the_pieces_of_a_neighbour_and_the_origin_is_not_asked(
    ship: Ship,
) -> None:
    sha256 = ship.wants(20)
    assert ship.apply().code == 0
    partial, kept = f"{_STORE}/partial/{sha256}.part", f"{_STORE}/sha256/{sha256[:2]}/{sha256}"
    harmed = ship.site.machines["tst1-r1-n03"]
    harmed.run(
        f"mkdir -p {_STORE}/partial; cp {kept} {partial}; rm {kept}; chmod u+w {partial}; "
        f"printf X | dd of={partial} bs=1 seek=9000000 conv=notrunc status=none"
    )
    ship.origin.sent.clear()
    assert ship.apply().code == 0
    assert ship.have(sha256) == [sha256] * 3
    assert ship.origin.bytes == 0


@pytest.mark.long
def test_a_private_bucket_is_signed_for_a_changed_bit_costs_a_piece_and_nobody_reads_the_key(
    ship: Ship,
) -> None:
    sha256 = ship.wants(10)
    path = ship.site.edgectl.inventory / "services/chat.yaml"
    spec = yaml.safe_load(path.read_text())
    spec["model"]["files"][-1] = {"source": "s3://bucket/model.safetensors"}
    spec["logins"] = {"s3://bucket/": {"access_key": {"env": "S3_KEY"}, "secret_key": {"env": "S3_SECRET"}}}
    path.write_text(yaml.safe_dump(spec))
    told = {"S3_KEY": "AKIAOFTHETEST", "S3_SECRET": _SECRET, "AWS_ENDPOINT_URL_S3": ship.origin.url}
    ship.origin.admits = partial(is_signed, key="AKIAOFTHETEST", secret=_SECRET)
    locked = ship.site.edgectl("deploy", "lock", "chat", more=told)
    assert locked.code == 0, locked
    assert ship.site.apply().code == 8, "without the key nothing is begun"
    ship.origin.sent.clear()
    ship.origin.flips.add(len(ship.origin.log))
    ended = ship.site.edgectl("deploy", "apply", "chat", "-y", "-o", "jsonl", more=told)
    assert ended.code == 0, ended
    assert ship.have(sha256) == [sha256] * 3
    assert ship.origin.bytes == 10 * _MB + 4 * 1024 * 1024
    moved = [json.loads(line) for line in ended.out.splitlines()]
    assert max(one["done"] for one in moved if one["type"] == "Heartbeat") >= 10 * _MB
    said = ended.out + ended.err + locked.out + locked.err
    written = [file.read_bytes() for file in ship.site.edgectl.home.rglob("*") if file.is_file()]
    assert _SECRET not in said
    assert not any(_SECRET.encode() in raw for raw in written)
    assert ship.site.on_all(f"grep -rl {_SECRET} /var/lib/edgectl /run/edgectl /etc || true") == [""] * 3


@pytest.mark.long
def test_wrong_bytes_from_every_source_are_kept_nowhere_and_the_old_release_serves_on(ship: Ship) -> None:
    assert ship.wants(1)
    assert ship.apply().code == 0
    ship.wants(1)
    ship.origin.flips.update(range(1000))
    with ship.site.under_load(10) as seen:
        ended = ship.apply()
    assert (ended.code, seen.get("failed", 0), seen.get("cut", 0)) == (6, 0, 0), (ended, seen)
    assert "the bytes have the sha256" in ended.host("tst1-r1-n01")["reason"]
    assert ended.host("tst1-r1-n02")["status"] == "not_run"
    assert ship.site.on_all(f"ls {_STORE}/partial") == [""] * 3


@pytest.mark.long
@pytest.mark.timeout(900)
def test_three_pops_of_four_take_three_copies_of_200_mb_and_a_killed_transfer_goes_on(tmp_path: Path) -> None:
    if reason := debian_service.missing():
        pytest.skip(reason)
    with (
        debian_service.debian_service(tmp_path, debian_service.names(3, 4)) as site,
        origin(tmp_path / "origin", site.here) as known,
    ):
        ship = Ship(site, known)
        sha256 = ship.wants(200)
        known.pace_s = 0.005
        words = [sys.executable, "-m", "edgectl", "deploy", "apply", "chat", "-y"]
        killed = subprocess.Popen(words, env=site.edgectl.variables(), cwd=site.edgectl.home)
        while known.bytes < 100 * _MB:
            time.sleep(0.05)
        for machine in site.machines.values():
            machine.run("pkill -9 python3; true")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        half = known.bytes
        known.pace_s = 0.0
        ended = site.apply("--wait", "120s", timeout_s=400)
        assert ended.code == 0, ended
        assert ship.have(sha256) == [sha256] * 12
        assert len(known.sent) == 3, known.sent
        assert 600 * _MB <= known.bytes < 620 * _MB, (half, known.log)
