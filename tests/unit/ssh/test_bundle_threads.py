from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from edgectl.ssh.bundle import bundle


def test_threads_that_ask_at_once_get_one_bundle() -> None:
    together = Barrier(16)

    def ask(_number: int) -> int:
        together.wait()
        return id(bundle(frozenset({"uri", "apt", "copy"}), frozenset({"jinja2"})))

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1
