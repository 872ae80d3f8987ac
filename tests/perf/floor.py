"""The floor: what a bare paramiko script needs for one exec per host that writes all the files."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import paramiko

_WIDTH = 64


def main(key_path: str, port: str, tasks: str, *addresses: str) -> None:
    """Write `tasks` files on every address."""
    key = paramiko.PKey.from_path(key_path)

    def one(address: str) -> None:
        transport = paramiko.Transport((address, int(port)))
        transport.start_client(timeout=60)
        transport.auth_publickey("root", key)
        channel = transport.open_session()
        files = " ".join(f"echo number {n} > /srv/perf/{address}/{n};" for n in range(int(tasks)))
        channel.exec_command(files)
        assert channel.recv_exit_status() == 0
        transport.close()

    with ThreadPoolExecutor(_WIDTH) as pool:
        list(pool.map(one, addresses))


if __name__ == "__main__":
    main(*sys.argv[1:])
