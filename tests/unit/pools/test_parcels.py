"""What travels to a worker, and what does not."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

from edgectl.engine.ports import HostWork, Patience
from edgectl.pools.parcels import Packer, Unpacker
from edgectl.remote.errands import Attach
from edgectl.remote.job import Job
from tests.fakes.clock import FakeClock
from tests.fakes.fleet import a_host, a_job, a_task

BLOB = "packed" * 10_000


def a_work(name: str, **more: object) -> HostWork:
    job = replace(a_job([a_task()], host=name), blobs={"d1": BLOB})
    return replace(HostWork(a_host(name, variables={"all": "of it"}), job), **more)  # type: ignore[arg-type]


def test_a_blob_travels_once_to_each_worker_and_arrives_with_every_job() -> None:
    packer, unpacker = Packer(FakeClock()), Unpacker(FakeClock())
    sent = [pickle.dumps(packer.pack(a_work(name))) for name in ("n1", "n2")]
    arrived = [unpacker.unpack(pickle.loads(parcel)) for parcel in sent]  # noqa: S301 - our own

    assert len(sent[0]) > len(BLOB) > 10 * len(sent[1])
    jobs = [work.errand for work in arrived]
    assert [job.blobs for job in jobs if isinstance(job, Job)] == [{"d1": BLOB}] * 2
    assert [job.host for job in jobs if isinstance(job, Job)] == ["n1", "n2"]


def test_variables_of_the_inventory_stay_here() -> None:
    parcel = Packer(FakeClock()).pack(a_work("n1"))

    assert parcel.work.host.vars == {}
    assert parcel.work.host.address == a_host().address


def test_a_deadline_means_the_same_by_another_machines_clock() -> None:
    here, there = FakeClock(), FakeClock()
    here.turn(1000)
    there.turn(5)
    work = a_work("n1", patience=Patience(until=1060.0), begun=True)
    arrived = Unpacker(there).unpack(Packer(here).pack(work))

    assert arrived.patience.until == 65.0
    assert arrived.begun
    assert Unpacker(there).unpack(Packer(here).pack(a_work("n1"))).patience.until == math.inf


def test_what_is_no_job_travels_as_it_is() -> None:
    clock = FakeClock()
    work = HostWork(a_host("n1"), Attach("R1"))

    assert Unpacker(clock).unpack(Packer(clock).pack(work)).errand == Attach("R1")
