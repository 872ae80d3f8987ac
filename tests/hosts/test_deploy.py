"""`deploy` on lab hosts: a real model, a real engine, releases that replace each other and ones that cannot."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.engine.holds import Hold
from edgectl.lab.lifecycle import LabStatus, down
from edgectl.lab.model import write_model
from edgectl.store.database import open_database
from edgectl.store.holds import SqlHolds
from tests.cli_run import Edgectl, Ended
from tests.hosts.lab_box import Box, address_base, bring_up

pytest.importorskip("xllamacpp", reason="needs the lab's engine: pip install 'edgectl[lab]'")
pytest.importorskip("gguf", reason="needs the lab's engine: pip install 'edgectl[lab]'")

_STATE = "/var/lib/edgectl"
_RELEASES = f"{_STATE}/releases/chat"


@dataclass(frozen=True)
class Site:
    """Two lab hosts, and the service's specification that a test may edit."""

    lab: LabStatus
    edgectl: Edgectl

    @property
    def services(self) -> Path:
        return self.lab.inventory / "services"

    @property
    def spec(self) -> dict[str, Any]:
        found = yaml.safe_load((self.services / "chat.yaml").read_text())
        assert isinstance(found, dict)
        return found

    def write(self, spec: dict[str, Any]) -> None:
        (self.services / "chat.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))

    def put_model(self, content: bytes) -> None:
        """Let the specification name other bytes, with the digest that belongs to them."""
        (self.services / "tiny.gguf").write_bytes(content)
        spec = self.spec
        spec["model"]["files"][0]["sha256"] = hashlib.sha256(content).hexdigest()
        self.write(spec)

    def apply(self, *words: str) -> Ended:
        return self.edgectl("deploy", "apply", "chat", "-y", "-o", "json", *words)

    def on(self, number: int, command: str) -> str:
        box = Box(self.lab.directory, self.lab.hosts[number].address)
        try:
            return box.ok(command)
        finally:
            box.close()

    def pids(self) -> list[str]:
        return [self.on(n, "systemctl show -p MainPID --value edgectl-chat") for n in (0, 1)]

    def current(self) -> list[str]:
        return [self.on(n, f"readlink {_RELEASES}/current") for n in (0, 1)]

    def asked(self, number: int) -> str:
        """Ask a host for a chat completion, as a client would."""
        address = self.lab.hosts[number].address
        question = {"messages": [{"role": "user", "content": "the edge"}], "max_tokens": 8, "temperature": 0}
        request = urllib.request.Request(
            f"http://{address}:8000/v1/chat/completions",
            json.dumps(question).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(json.loads(answer.read())["choices"][0]["message"]["content"])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabStatus]:
    up = bring_up(tmp_path_factory.mktemp("deploy") / "lab", f"{address_base()}.61", 2)
    yield up
    down(up.directory)


@pytest.fixture
def site(lab: LabStatus, tmp_path: Path) -> Iterator[Site]:
    """The service deployed on both hosts; whatever a test writes into the specification is gone after it."""
    home = tmp_path / "home"
    home.mkdir()
    found = Site(lab, Edgectl(home, lab.inventory, {}))
    kept = {path: path.read_bytes() for path in found.services.iterdir()}
    ended = found.apply()
    assert ended.code == 0, ended
    yield found
    for path, content in kept.items():
        path.write_bytes(content)


def model(folder: Path, seed: int) -> bytes:
    write_model(folder / f"{seed}.gguf", seed)
    return (folder / f"{seed}.gguf").read_bytes()


def test_a_deployed_service_answers_and_its_report_says_what(site: Site) -> None:
    answers = [site.asked(0), site.asked(1)]
    assert answers[0] == answers[1] != ""
    assert site.on(0, "systemctl is-enabled edgectl-chat") == "enabled"
    report = site.apply().report()
    assert {host["data"]["release"] for host in report["hosts"]} == set(site.current())


def test_a_repeat_changes_nothing_and_restarts_nothing(site: Site) -> None:
    before = site.pids()
    ended = site.apply()
    assert (ended.code, ended.report()["summary"]["ok"]) == (0, 2)
    assert site.pids() == before


@pytest.mark.parametrize("harm", ["systemctl stop edgectl-chat", "systemctl disable edgectl-chat",
                                  "echo '# by hand' >> /etc/systemd/system/edgectl-chat.service"])  # fmt: skip
def test_a_repeat_mends_what_somebody_changed_at_one_host(site: Site, harm: str) -> None:
    site.on(0, harm)
    summary = site.apply().report()["summary"]
    assert (summary["changed"], summary["ok"]) == (1, 1)
    assert site.asked(0) == site.asked(1)
    assert site.apply().report()["summary"]["ok"] == 2


def test_check_tells_the_switch_and_makes_none(site: Site, tmp_path: Path) -> None:
    before, pids = site.current(), site.pids()
    site.put_model(model(tmp_path, 7))
    ended = site.apply("--check")
    assert ended.report()["summary"]["changed"] == 2
    assert (site.current(), site.pids()) == (before, pids)
    wanted = hashlib.sha256((site.services / "tiny.gguf").read_bytes()).hexdigest()
    assert site.on(0, f"ls {_STATE}/blobs/sha256/*/{wanted} 2>/dev/null; true") == ""


def test_another_model_is_another_release_and_the_one_before_is_kept(site: Site, tmp_path: Path) -> None:
    before, said = site.current(), site.asked(0)
    site.put_model(model(tmp_path, 3))
    ended = site.apply()
    assert (ended.code, ended.report()["summary"]["changed"]) == (0, 2)
    assert site.current()[0] != before[0]
    assert site.on(0, f"readlink {_RELEASES}/previous") == before[0]
    assert site.on(0, f"test -f {_RELEASES}/{before[0]}/model/tiny.gguf && echo kept") == "kept"
    assert site.asked(0) != said


def _bad_bytes(spec: dict[str, Any], services: Path) -> None:
    content = b"GGUF but not a model"
    (services / "tiny.gguf").write_bytes(content)
    spec["model"]["files"][0]["sha256"] = hashlib.sha256(content).hexdigest()


def _bad_flag(spec: dict[str, Any], _services: Path) -> None:
    spec["engine"]["args"]["no-such-flag"] = 1


def _no_program(spec: dict[str, Any], _services: Path) -> None:
    spec["engine"]["command"] = "/opt/nothing/here"


def _long_question(spec: dict[str, Any], _services: Path) -> None:
    spec["gates"]["smoke"] = {"prompt": "x" * 100_000}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_bad_bytes, "the engine ended"),
        (_bad_flag, "unrecognized arguments: --no-such-flag"),
        (_no_program, "edgectl-chat"),
        (_long_question, "the smoke test got 400"),
    ],
)
def test_a_release_that_does_not_work_falls_back_to_the_one_that_does(
    site: Site, spoil: Any, said: str
) -> None:
    before, answer = site.current(), site.asked(0)
    spec = site.spec
    spoil(spec, site.services)
    spec["name"], spec["gates"]["ready"] = "chat", "20s"
    if spoil is _long_question:
        spec["engine"]["args"]["parallel"] = 3
    site.write(spec)
    ended = site.apply()
    host = ended.host(site.lab.hosts[0].name)
    assert ended.code == 6, "the canary failed, the other host was never started"
    assert host["status"] == "failed"
    assert said in host["reason"]
    assert f"the previous release {before[0]} runs again" in host["reason"]
    assert host["data"]["release"] == before[0]
    assert ended.host(site.lab.hosts[1].name)["status"] == "not_run"
    assert site.current() == before
    assert site.asked(0) == answer == site.asked(1)


def test_a_crash_is_noticed_at_once_and_not_at_the_deadline(site: Site) -> None:
    spec = site.spec
    _bad_flag(spec, site.services)
    site.write(spec)
    assert spec["gates"]["ready"] == "60s"
    assert site.apply().host(site.lab.hosts[0].name)["seconds"] < 15


def test_a_port_in_use_is_said_and_the_stranger_s_answer_does_not_count(site: Site) -> None:
    address = site.lab.hosts[0].address
    stranger = http.server.ThreadingHTTPServer((address, 8123), _AlwaysFine)
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    try:
        before = site.current()
        site.write({**site.spec, "serve": {"port": 8123, "front": "none"}})
        ended = site.apply()
    finally:
        stranger.shutdown()
        stranger.server_close()
    assert "the port is in use" in ended.host(site.lab.hosts[0].name)["reason"]
    assert site.current() == before
    assert site.asked(0) == site.asked(1)


class _AlwaysFine(http.server.BaseHTTPRequestHandler):
    """Another service that says of everything that it is well."""

    def do_GET(self) -> None:
        self._answer(b'{"status": "ok"}')

    def do_POST(self) -> None:
        self._answer(b'{"choices": [{"message": {"content": "I am not the one"}}]}')

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        pass


def test_many_deployments_within_minutes_are_no_crash_loop_and_leave_only_so_many_releases(
    site: Site,
) -> None:
    for context in (1024, 1025, 1026, 1027):
        spec = site.spec
        spec["engine"]["args"]["context"] = context
        site.write({**spec, "keep": 1})
        assert site.apply("--limit", site.lab.hosts[0].name).code == 0
    assert len(site.on(0, f"ls -d {_RELEASES}/r-*").split()) == 2


def test_a_wrong_digest_is_refused_before_any_host_is_contacted(site: Site) -> None:
    runs = site.edgectl("runs", "list").out
    spec = site.spec
    spec["model"]["files"][0]["sha256"] = "0" * 64
    site.write(spec)
    ended = site.apply()
    assert (ended.code, ended.out) == (3, "")
    assert "has the sha256" in ended.err
    assert site.edgectl("runs", "list").out == runs


def _blob(site: Site) -> str:
    return f"{_STATE}/blobs/sha256/{_sha256(site)[:2]}/{_sha256(site)}"


def _sha256(site: Site) -> str:
    return str(site.spec["model"]["files"][0]["sha256"])


def test_the_weights_are_in_the_store_once_under_their_digest(site: Site) -> None:
    assert site.on(0, f"sha256sum {_blob(site)}").split()[0] == _sha256(site)
    assert site.on(0, f"stat -c %a {_blob(site)}") == "444"
    model_file = f"{_RELEASES}/{site.current()[0]}/model/tiny.gguf"
    assert site.on(0, f"stat -c %i {_blob(site)}") == site.on(0, f"stat -c %i {model_file}")


def test_weights_that_were_damaged_at_the_host_are_fetched_again(site: Site) -> None:
    site.on(
        0, f"chmod u+w {_blob(site)}; printf X | dd of={_blob(site)} bs=1 seek=5000 conv=notrunc status=none"
    )
    ended = site.apply()
    assert (ended.code, ended.host(site.lab.hosts[0].name)["status"]) == (0, "changed")
    assert ended.host(site.lab.hosts[1].name)["status"] == "ok"
    assert site.on(0, f"sha256sum {_blob(site)}").split()[0] == _sha256(site)
    assert site.asked(0) == site.asked(1)
    assert site.apply().report()["summary"]["ok"] == 2


def test_weights_that_were_only_touched_are_proven_again_and_left_alone(site: Site) -> None:
    before = site.pids()
    site.on(0, f"touch {_blob(site)}")
    assert site.apply().report()["summary"]["ok"] == 2
    assert site.pids() == before


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where a web server shows it."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = functools.partial(_QuietFiles, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words: Any) -> None:
        pass


def test_weights_come_over_http_and_no_later_than_they_are_needed(
    site: Site, mirror: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = mirror
    content = model(tmp_path, 11)
    (folder / "far.gguf").write_bytes(content)
    spec = site.spec
    spec["model"]["files"] = [
        {"source": f"{address}/far.gguf?download=true", "sha256": hashlib.sha256(content).hexdigest()}
    ]
    site.write(spec)
    assert site.apply().report()["summary"]["changed"] == 2
    (folder / "far.gguf").unlink()
    assert site.apply().report()["summary"]["ok"] == 2
    assert site.on(0, f"ls {_RELEASES}/current/model") == "far.gguf"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"other bytes", "the bytes have the sha256"), (None, "the server answers 404")],
)
def test_weights_that_are_not_what_was_promised_are_never_kept(
    site: Site, mirror: tuple[Path, str], content: bytes | None, said: str
) -> None:
    folder, address = mirror
    if content is not None:
        (folder / "far.gguf").write_bytes(content)
    before, pids = site.current(), site.pids()
    spec = site.spec
    spec["model"]["files"] = [{"source": f"{address}/far.gguf", "sha256": "ab" * 32}]
    site.write(spec)
    ended = site.apply()
    assert said in ended.host(site.lab.hosts[0].name)["reason"]
    assert (site.current(), site.pids()) == (before, pids)
    assert site.on(0, f"find {_STATE}/blobs -name '*{'ab' * 8}*' -o -name '.edgectl*'") == ""


def test_the_second_operator_is_told_who_deploys_and_changes_nothing(site: Site, tmp_path: Path) -> None:
    before = site.pids()
    engine = open_database(f"sqlite:///{site.edgectl.home}/.local/state/edgectl/state.db")
    holds, now = SqlHolds(engine), datetime.now(tz=UTC)
    until = now + timedelta(minutes=2)
    hold = holds.take(
        Hold("chat", "01RUN", "ann from the other desk", "edgectl deploy apply chat", now, until)
    )
    site.put_model(model(tmp_path, 8))
    second = site.apply()
    holds.give_back(hold)
    engine.dispose()

    assert second.code == 7
    assert "'chat' is held by ann from the other desk since" in second.err
    assert site.pids() == before
