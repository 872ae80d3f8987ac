"""What the proxy of a service is told, and how streams in flight are counted."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.tasks._flows import drain, to_port
from edgectl.remote.tasks._haproxy import Record, is_same_but_for_who_serves, parse, render

RECORD = Record("10.0.0.1:8000", [18000, 18001], ["10.0.0.2:8000"], ["/v1/"], "a")
_TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:4650 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0100007F:9A2C 0100007F:4650 01 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:4650 0100007F:9A2C 01 00000000:00000000 00:00000000 00000000     0        0 3
   3: 0100007F:9A2E 0100007F:4650 06 00000000:00000000 00:00000000 00000000     0        0 4
"""


def test_a_configuration_says_what_it_was_made_from() -> None:
    assert parse(render(RECORD, "/run/s")) == RECORD
    assert parse("global\n") is None


def test_haproxy_accepts_it(tmp_path: Path) -> None:
    if shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("needs HAProxy: apt-get install haproxy")
    config = tmp_path / "haproxy.cfg"
    config.write_text(render(RECORD, str(tmp_path / "s")))
    done = subprocess.run(
        ["/usr/sbin/haproxy", "-c", "-f", config], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"serving": "b"}, True),
        ({"serving": ""}, True),
        ({"neighbours": []}, False),
        ({"listen": "1"}, False),
    ],
)
def test_only_who_serves_can_change_without_a_reload(change: dict[str, Any], same: bool) -> None:
    after = render(RECORD._replace(**change), "/run/s")
    assert is_same_but_for_who_serves(render(RECORD, "/run/s"), after) is same


def test_a_request_in_flight_is_an_established_connection_to_the_engine_s_port_seen_from_its_client() -> None:
    assert to_port(18000, [_TCP]) == 1
    assert to_port(18001, [_TCP]) == 0


def test_a_drain_waits_until_it_is_quiet_and_says_what_there_was() -> None:
    left = iter([3, 5, 2, 0, 1, *[0] * 20])
    drained = drain(18000, 60.0, lambda _port: next(left))
    assert (drained.streams, drained.cut) == (5, 0)


def test_a_drain_that_comes_to_its_deadline_counts_what_is_cut() -> None:
    drained = drain(18000, 0.0, lambda _port: 4)
    assert (drained.streams, drained.cut) == (4, 4)
