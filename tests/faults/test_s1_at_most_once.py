"""A task runs at most once per run, unless its module only reads or is idempotent; `retries` repeats failures."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from edgectl.engine.outcome import RunOutcome
from tests.faults.proxy import End
from tests.faults.rig import COUNTER, Controller, Site, count_up, disagreements, told, when_task


def _killed_in(
    site: Site, name: str, *tasks: Mapping[str, object], once: str = "true", then: str = "true"
) -> RunOutcome:
    """Run tasks, kill the job's runner in one of them, `once` that is so at the host, and do something there."""
    controller = Controller([site])
    prepared = controller.prepare(tasks)

    def strike() -> None:
        site.see(f"for n in 1 2 3 4 5 6 7 8 9 10; do {once} && break; sleep 0.1; done")
        site.kill_runner(prepared.plan.run)
        site.machine.run(then)

    return Controller([site], observers=[when_task(name, strike)]).carry_out(prepared)


def test_a_task_whose_runner_was_killed_is_unknown_and_is_not_run_again(site: Site) -> None:
    run = _killed_in(
        site, "t2", count_up(1), count_up(2, sleep_s=1), count_up(3), once=f"grep -q 2 {COUNTER}"
    )
    (host,) = run.hosts
    assert (host.status, host.failed_task) == ("unknown", "t2")
    assert "it may have happened, in part or in full" in host.reason
    assert site.truth(run.run).ran == {1: 1, 2: 1}
    assert disagreements(host, site.truth(run.run), 3) == []


def test_a_task_that_only_reads_is_done_again_after_its_runner_was_killed(site: Site) -> None:
    waits = {"name": "waits", "wait_for": {"path": "/srv/go", "timeout": 60}}
    run = _killed_in(site, "waits", count_up(1), waits, count_up(2), then="touch /srv/go")
    (host,) = run.hosts
    assert host.status == "changed", host
    assert told(host) == [("t1", "changed"), ("waits", "ok"), ("t2", "changed")]
    assert site.truth(run.run).ran == {1: 1, 2: 1}
    assert site.truth(run.run).begun() == ["t1", "waits", "waits", "t2"]


def test_retries_repeat_a_failure_and_count_every_attempt(site: Site) -> None:
    text = "echo 1 >> /srv/counter; sleep 0.3; test $(wc -l < /srv/counter) -ge 3"
    task = {
        "name": "t1",
        "shell": text,
        "retries": 5,
        "delay": 0,
        "until": "last.rc == 0",
        "register": "last",
    }
    controller = Controller([site], observers=[when_task("t1", lambda: site.proxy.end_all(End.RESET))])
    run = controller.run([task])
    (host,) = run.hosts
    assert host.status == "changed", host
    assert host.tasks[0].result["attempts"] == 3
    assert site.truth(run.run).ran == {1: 3}


def test_a_run_that_is_carried_out_again_only_tells_its_end(site: Site) -> None:
    controller = Controller([site])
    prepared = controller.prepare([count_up(1), count_up(2)])
    first, second = controller.carry_out(prepared), controller.carry_out(prepared)
    assert told(first.hosts[0]) == told(second.hosts[0])
    assert second.hosts[0].status == "changed"
    assert site.truth(prepared.plan.run).ran == {1: 1, 2: 1}


def test_two_controllers_with_one_run_see_one_execution(site: Site) -> None:
    prepared = Controller([site]).prepare([count_up(number, sleep_s=0.1) for number in range(1, 6)])
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda _: Controller([site]).carry_out(prepared), range(2)))
    truth = site.truth(prepared.plan.run)
    for run in ended:
        assert run.hosts[0].status == "changed", run.hosts[0]
        assert disagreements(run.hosts[0], truth, 5) == []
