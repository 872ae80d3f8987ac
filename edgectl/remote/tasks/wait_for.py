"""Wait until a port, a file or a text in it is there, or is gone."""

from __future__ import annotations

import os
import re
import socket
import time

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal, Union
from edgectl.remote.result import TaskResult, failed, ok

REPEAT = "reads"
_STATES = {
    "ESTABLISHED": "01",
    "SYN_SENT": "02",
    "SYN_RECV": "03",
    "FIN_WAIT1": "04",
    "FIN_WAIT2": "05",
    "TIME_WAIT": "06",
}


# More looks would fill a listening socket's queue, so that an open port seems closed.
_SHORTEST_SLEEP_S = 0.05
# The match of the pattern, or True where there is none to match; None: not yet.
Found = Union["re.Match[bytes]", bool, None]


@dataclass(frozen=True)
class Args:
    """Give `port` or `path`; with neither it only waits for `timeout` seconds."""

    host: str = arg("127.0.0.1", doc="Whose port.")
    port: int | None = arg(None, doc="The TCP port.")
    path: str | None = arg(None, doc="The file or folder.")
    state: Literal["absent", "drained", "present", "started", "stopped"] = arg(
        "started", doc="started and present: there; stopped and absent: gone; drained: without connections."
    )
    search_regex: str | None = arg(None, doc="It must say, or hold, something that matches this.")
    timeout: int = arg(300, doc="Give up after this many seconds.")
    connect_timeout: int = arg(5, doc="Seconds for one try to connect.")
    delay: int = arg(0, doc="Wait this many seconds first.")
    sleep: int = arg(1, doc="Seconds between two looks.")
    msg: str | None = arg(None, doc="What to say instead when it gives up.")
    active_connection_states: list[str] = arg(
        factory=lambda: list(_STATES), doc="Connections in these states keep a port from being drained."
    )
    exclude_hosts: list[str] | None = arg(None, doc="Connections from these do not.")

    def __post_init__(self) -> None:
        """Refuse two things to wait for, and what cannot be said of a file."""
        if self.port is not None and self.path is not None:
            raise ValueError("give 'port' or 'path', not both")
        if self.path is not None and self.state in ("stopped", "drained"):
            raise ValueError(f"state={self.state} is for ports: write absent")
        if self.state == "drained" and self.port is None:
            raise ValueError("state=drained needs 'port'")
        if self.exclude_hosts is not None and self.state != "drained":
            raise ValueError("'exclude_hosts' goes with state=drained only")
        for state in self.active_connection_states:
            if state not in _STATES:
                raise ValueError(f"'{state}' is no connection state: write some of {', '.join(_STATES)}")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Look again and again until it is so or the time is over."""
    if context.check:
        return ok("wait_for does nothing in check mode", skipped=True)
    try:
        pattern = None if args.search_regex is None else re.compile(args.search_regex.encode(), re.MULTILINE)
    except re.error as error:
        return failed(f"'search_regex' is no regular expression: {error}")
    began = time.monotonic()
    time.sleep(args.delay)
    if args.port is None and args.path is None:
        time.sleep(args.timeout)
        return _found(args, began, None)
    until = began + args.timeout
    while time.monotonic() < until:
        there = _look(args, pattern, until)
        if there is not None:
            return _found(args, began, there)
        time.sleep(min(max(args.sleep, _SHORTEST_SLEEP_S), max(until - time.monotonic(), 0)))
    return failed(args.msg or _gave_up(args), elapsed=int(time.monotonic() - began))


def _found(args: Args, began: float, there: Found) -> TaskResult:
    groups: list[str | None] = []
    named: dict[str, str | None] = {}
    if isinstance(there, re.Match):
        groups = [_text(group) for group in there.groups()]
        named = {name: _text(group) for name, group in there.groupdict().items()}
    return ok(
        state=args.state,
        port=args.port,
        path=args.path,
        search_regex=args.search_regex,
        match_groups=groups,
        match_groupdict=named,
        elapsed=int(time.monotonic() - began),
    )


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "replace")


def _gave_up(args: Args) -> str:
    what = str(args.path) if args.path is not None else f"{args.host}:{args.port}"
    if args.search_regex is not None and args.state in ("started", "present"):
        what = f"search string {args.search_regex} in {what}"
    ends = {"absent": " to be absent", "stopped": " to stop", "drained": " to drain"}
    return f"Timeout when waiting for {what}{ends.get(args.state, '')} after {args.timeout} s"


def _look(args: Args, pattern: re.Pattern[bytes] | None, until: float) -> Found:
    """Return the match, or True, where it is so, else None."""
    if args.state == "drained":
        return True if _connections(args) == 0 else None
    if args.path is not None:
        path = files.expanded(args.path)
        if args.state == "absent":
            return None if os.path.lexists(path) else True
        return _look_into(path, pattern)
    if args.state in ("absent", "stopped"):
        return None if _connected(args, None, until) else True
    return _connected(args, pattern, until)


def _look_into(path: str, pattern: re.Pattern[bytes] | None) -> Found:
    if pattern is None:
        return True if os.path.exists(path) else None
    try:
        return pattern.search(files.read(path) or b"")
    except (PermissionError, IsADirectoryError):
        return None


def _connected(args: Args, pattern: re.Pattern[bytes] | None, until: float) -> Found:
    """Connect, and listen for the pattern until the other side has said all."""
    left = max(until - time.monotonic(), 0.1)
    try:
        with socket.create_connection(
            (args.host, int(args.port or 0)), min(args.connect_timeout, left)
        ) as line:
            if pattern is None:
                return True
            heard = b""
            while time.monotonic() < until:
                line.settimeout(max(until - time.monotonic(), 0.1))
                said = line.recv(4096)
                heard += said
                match = pattern.search(heard)
                if match is not None or not said:
                    return match
    except OSError:
        return None
    return None


def _connections(args: Args) -> int:
    """Count the connections to the port at this host, from /proc."""
    states = {_STATES[state] for state in args.active_connection_states}
    hosts = _addresses(args.host)
    others = {address for host in args.exclude_hosts or [] for address in _addresses(host)}
    count = 0
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (files.read(name) or b"").decode().splitlines()[1:]:
            _, here, there, state = line.split()[:4]
            address, _, port = here.partition(":")
            is_ours = address in hosts or not {char for host in hosts for char in host} - {"0"}
            if state in states and int(port, 16) == args.port and is_ours:
                count += there.partition(":")[0] not in others
    return count


def _addresses(host: str) -> set[str]:
    """Return a host's addresses as /proc/net/tcp writes them, IPv4 also as tcp6 writes it."""
    found = set()
    for family, *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        raw = socket.inet_pton(family, str(address[0]))
        shown = "".join(raw[at : at + 4][::-1].hex().upper() for at in range(0, len(raw), 4))
        found.add(shown)
        if family == socket.AF_INET:
            found.add("0000000000000000FFFF0000" + shown)
    return found
