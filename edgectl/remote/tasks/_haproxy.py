"""HAProxy in front of a model service: its configuration as text (pure), and its runtime socket.

The configuration is the one record of who serves: it is written before the running proxy is told, so a restart of
the proxy, or of the host, brings back what was meant last.
"""

from __future__ import annotations

import json
import socket

from edgectl.remote.lean import Any, NamedTuple

SLOTS = ("a", "b")
_MARK = "# edgectl "
# A request that a neighbour handed on goes to the engine of this host or nowhere: two that drain cannot send it in
# circles.
_HOP = "x-edgectl-hop"
_ASK_S = 5.0
_ANSWER_BYTES = 1 << 16

_CONFIG = """\
{mark}{record}
# Written by edgectl; `edgectl deploy` changes it and tells the running proxy, by hand it would be overwritten.
global
    stats socket {socket} mode 600 level admin
    user haproxy
    group haproxy
    hard-stop-after 1h
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout http-request 30s
    timeout http-keep-alive 60s
    # One connection to the engine for each request: those that are open are the requests in flight.
    option http-server-close
    option redispatch 1
    retries 3
    retry-on conn-failure
    option httpchk
    http-check send meth GET uri /health hdr {hop} check
    default-server inter 1s fall 2 rise 1
frontend clients
    bind {listen}
    # An engine's other paths change it, whatever key it asks for.
    http-request deny unless {{ path_beg {paths} }} or {{ path /health /metrics }}
    # Engines decode a path before they look at it, so what is refused is looked for in the decoded one.
    http-request deny if {{ path,url_dec -i -m sub lora_adapter lora-adapters /../ }}
    use_backend engine if {{ req.hdr({hop}) -m found }}
    default_backend service
backend service
    balance leastconn
    option allbackups
    http-request set-header {hop} 1
{slots}{neighbours}backend engine
    balance leastconn
{slots}"""


class Record(NamedTuple):
    """All that a proxy's configuration depends on; `serving` is the slot that takes requests, "" for none."""

    listen: str
    ports: list[int]
    neighbours: list[str]
    paths: list[str]
    serving: str = ""

    def port(self, slot: str) -> int:
        """Return a slot's port on the loopback."""
        return int(self.ports[SLOTS.index(slot)])


def render(record: Record, socket_path: str) -> str:
    """Return the configuration file."""
    slots = "".join(
        f"    server slot-{slot} 127.0.0.1:{record.port(slot)} check{'' if slot == record.serving else ' disabled'}\n"
        for slot in SLOTS
    )
    neighbours = "".join(
        f"    server neighbour-{number} {address} check backup\n"
        for number, address in enumerate(record.neighbours, start=1)
    )
    said = json.dumps(record._asdict(), sort_keys=True)
    return _CONFIG.format(
        mark=_MARK,
        record=said,
        socket=socket_path,
        hop=_HOP,
        listen=record.listen,
        paths=" ".join(record.paths),
        slots=slots,
        neighbours=neighbours,
    )


def parse(text: str) -> Record | None:
    """Return what a configuration was rendered from; None where it is none of ours."""
    first = text.partition("\n")[0]
    return Record(**json.loads(first[len(_MARK) :])) if first.startswith(_MARK) else None


def is_same_but_for_who_serves(one: str, other: str) -> bool:
    """Tell whether a running proxy can go from one configuration to the other without a reload."""
    first, second = parse(one), parse(other)
    if first is None or second is None:
        return False
    same_record = first._replace(serving="") == second._replace(serving="")
    return same_record and _apart_from_who_serves(one) == _apart_from_who_serves(other)


def _apart_from_who_serves(text: str) -> str:
    return text.partition("\n")[2].replace(" disabled\n", "\n")


class Runtime:
    """A running proxy, asked through its socket."""

    def __init__(self, path: str) -> None:
        self._path = path

    def answers(self) -> bool:
        """Tell whether there is one."""
        return bool(self.ask("show info"))

    def ask(self, command: str) -> str:
        """Return the answer to a command, empty where nobody answers."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(_ASK_S)
                line.connect(self._path)
                line.sendall(f"{command}\n".encode())
                parts = iter(lambda: line.recv(_ANSWER_BYTES), b"")
                return b"".join(parts).decode("utf-8", "replace")
        except OSError:
            return ""

    def serve_from(self, slot: str) -> None:
        """Let one slot take new requests and no other one; those in flight stay where they are."""
        for backend in ("service", "engine"):
            if slot:
                self.ask(f"set server {backend}/slot-{slot} state ready")
            for other in SLOTS:
                if other != slot:
                    self.ask(f"set server {backend}/slot-{other} state drain")

    def servers(self) -> dict[str, str]:
        """Return the status of each server of the service by its name: UP, DOWN, DRAIN, MAINT."""
        lines = self.ask("show stat").splitlines()
        names = lines[0].lstrip("# ").split(",") if lines else []
        rows: list[dict[str, Any]] = [dict(zip(names, line.split(","))) for line in lines[1:] if line]
        return {
            row["svname"]: row["status"]
            for row in rows
            if row.get("pxname") == "service" and row["svname"] not in ("FRONTEND", "BACKEND")
        }

    def neighbours_up(self) -> int:
        """Return how many neighbours have an engine that answers."""
        return sum(
            name.startswith("neighbour-") and status.startswith("UP")
            for name, status in self.servers().items()
        )
