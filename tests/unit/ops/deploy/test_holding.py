from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.engine.records import Origin
from edgectl.errors import BusyError, ExitCode
from edgectl.ops.deploy.holding import LEASE_S, held
from edgectl.ops.services import Services
from edgectl.store.database import open_database
from edgectl.store.holds import SqlHolds
from tests.fakes.clock import FakeClock
from tests.unit.ops.deploy.sites import services_with


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    engine = open_database(f"sqlite:///{tmp_path}/state.db")
    yield replace(
        services_with(),
        holds=SqlHolds(engine),
        started_by="ann from büro",
        origin=Origin(("deploy", "apply")),
    )
    engine.dispose()


def test_the_second_operator_is_told_who_holds_the_service_and_leaves_with_7(services: Services) -> None:
    other = replace(services, started_by="bob from build-7")
    with held(services, "chat"), pytest.raises(BusyError) as caught, held(other, "chat"):
        pass

    said = str(caught.value)
    assert caught.value.exit_code is ExitCode.BUSY
    assert "'chat' is held by ann from büro since 2026-11-23" in said
    assert "edgectl deploy apply" in said


def test_a_service_is_free_after_its_holder_even_where_that_failed(services: Services) -> None:
    with pytest.raises(RuntimeError), held(services, "chat"):
        raise RuntimeError
    with held(replace(services, started_by="bob"), "chat") as second:
        assert not second.lost


def test_the_same_run_comes_in_again_and_the_one_before_knows(services: Services) -> None:
    with held(services, "chat") as first:
        first.begun("01RUN")
        with held(replace(services, resuming="01RUN"), "chat") as again:
            first.renew()
            assert "took the service 'chat' over" in first.lost
            assert again.token > first.token


def test_a_lease_that_nobody_renewed_is_over(services: Services) -> None:
    clock = services.clock
    assert isinstance(clock, FakeClock)
    with held(services, "chat") as first:
        clock.turn(LEASE_S + 1)
        with held(replace(services, started_by="bob"), "chat"):
            first.renew()
            assert first.lost
