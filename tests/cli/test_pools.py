"""`--pool`: what it takes, and what it says where it cannot be had."""

from __future__ import annotations

import pytest

from tests.cli_run import Edgectl


@pytest.mark.parametrize("pool", ["forks", "processes:0", "threads:2", "processes:many", "dask:", ":"])
def test_a_pool_that_does_not_exist_is_a_wrong_command_line(edgectl: Edgectl, pool: str) -> None:
    ended = edgectl("ping", "--pool", pool)

    assert ended.code == 2, ended
    assert f"--pool {pool}: there is no such pool" in ended.err


@pytest.mark.parametrize("pool", ["threads", "processes", "processes:2"])
def test_every_pool_tells_the_same(edgectl: Edgectl, pool: str) -> None:
    ended = edgectl("ping", "--pool", pool, "-o", "json")

    assert ended.code == 5, ended
    assert {host["status"] for host in ended.report()["hosts"]} == {"unreachable"}


def test_the_environment_names_the_pool_too(edgectl: Edgectl) -> None:
    assert edgectl("ping", more={"EDGECTL_POOL": "forks"}).code == 2


def test_a_scheduler_that_does_not_answer_is_missing(edgectl: Edgectl) -> None:
    ended = edgectl("ping", "--pool", "dask://127.0.0.1:1")

    assert ended.code == 8, ended
    assert "cannot reach the Dask scheduler at tcp://127.0.0.1:1" in ended.err
    assert "Traceback" not in ended.err
