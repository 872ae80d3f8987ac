"""An engine that wants a key, on real Debian hosts: whoever asks it at its host has the key, and tells nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts import debian_service
from tests.hosts.debian_service import Site
from tests.hosts.test_deploy_swap import serve

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
_KEY, _OTHER = "key-of-the-test-of-keys", "other-key-of-the-test"
_WITH = {"secrets": {"LLAMA_API_KEY": {"env": "EDGE_KEY"}}}
_SEARCHED = "/var/lib/edgectl /etc /usr/local /proc/[0-9]*/cmdline"  # where no key is to be found


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := debian_service.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("keys")
    with debian_service.debian_service(folder, debian_service.names(1, 1)) as site:
        yield site


def test_an_engine_that_wants_a_key_is_deployed_watched_measured_and_given_another_key(site: Site) -> None:
    (machine,) = site.machines.values()
    told = []

    def run(*words: str, key: str = _KEY) -> int:
        ended = site.edgectl(*words, more={"EDGE_KEY": key})
        told.append(ended.out + ended.err)
        return ended.code

    serve(site, "one two three", _WITH)
    assert run("deploy", "apply", "chat", "-y", "-o", "json") == 0, told
    assert run("deploy", "apply", "chat", "-y") == 0, told
    machine.run("systemctl start edgectl-chat-watch")
    assert machine.run("systemctl show -p ExecMainStatus --value edgectl-chat-watch").strip() == "0"
    bench = ("bench", "run", "--service", "chat", "--requests", "2", "--model", "tiny", "-o", "json")
    assert run(*bench) == 0, told

    serve(site, "one two three", _WITH)
    pid = "systemctl show -p MainPID --value edgectl-chat-a edgectl-chat-b"
    before = machine.run(pid)
    assert run("deploy", "apply", "chat", "-y", "-o", "json", key=_OTHER) == 0, told
    assert machine.run(pid) != before
    assert run("deploy", "apply", "chat", "-y", "-o", "json", key=_OTHER) == 0, told
    assert '"ok": 1' in told[-1]

    assert not any(_KEY in said or _OTHER in said for said in told)
    found = machine.run(f"grep -rsl '[k]ey-of-the-test' {_SEARCHED} || true").split()
    assert found == []
