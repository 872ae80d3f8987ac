"""Checks a finished rollout by brute force: from what happened and when, sharing no code with the scheduler.

Shares are whole percents here and compared by multiplication, so that nothing is rounded at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from edgectl.inventory.model import Host, Window

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Trip:
    """One attempt at one host: from its start to how it ended; `back` says whether it then was in service."""

    host: Host
    began: datetime
    ended: datetime
    back: bool


@dataclass(frozen=True)
class Fleet:
    """What was selected, what was out before, and how many GPUs each host has."""

    hosts: Sequence[Host]
    out: Sequence[Host]
    gpus: Mapping[str, int]


def metros_over_budget(fleet: Fleet, trips: Iterable[Trip], percent: int, at_least: int) -> Iterator[str]:
    """Yield each moment at which a metro had more of its GPUs out than its budget.

    More can only go out when a host starts, so those moments are looked at. A host without GPUs costs its
    metro as much as the largest node there.
    """
    members: dict[str, list[Host]] = defaultdict(list)
    for host in fleet.hosts:
        members[host.pop.metro].append(host)
    absent: dict[str, list[Host]] = defaultdict(list)
    for host in fleet.out:
        absent[host.pop.metro].append(host)
    took: dict[str, list[Trip]] = defaultdict(list)
    for trip in trips:
        took[trip.host.pop.metro].append(trip)
    for metro, its_trips in took.items():
        whole = sum(fleet.gpus[host.name] for host in members[metro])
        largest = max(fleet.gpus[host.name] for host in members[metro])
        gone = {host.name for host in absent[metro]}
        always = sum(fleet.gpus[host.name] or largest for host in absent[metro])
        for moment in {trip.began for trip in its_trips}:
            away = hosts_out(its_trips, moment) - gone
            gpus = always + sum(fleet.gpus[name] or largest for name in away)
            if gpus * 100 > whole * percent and len(away) > at_least:
                yield f"{moment}: {gpus} of {whole} GPUs of {metro} are out, {percent}% may be: {sorted(away)}"


def hosts_out(trips: Sequence[Trip], moment: datetime) -> set[str]:
    """Return the hosts that are being worked on at a moment, or whose last attempt before it ended badly."""
    out: set[str] = set()
    for trip in sorted(trips, key=lambda trip: trip.began):
        if trip.began > moment:
            break
        if trip.ended > moment or not trip.back:
            out.add(trip.host.name)
        else:
            out.discard(trip.host.name)
    return out


def outside_windows(trips: Iterable[Trip], needs: timedelta) -> Iterator[str]:
    """Yield each attempt that a PoP's clocks showed outside its window in any minute it was expected to take."""
    for trip in trips:
        if trip.host.pop.window is None:
            continue
        zone = ZoneInfo(trip.host.pop.tz)
        moment = trip.began
        while moment < trip.began + needs:
            shown = moment.astimezone(zone).replace(tzinfo=None)
            if not is_inside(trip.host.pop.window, shown):
                yield f"{trip.host.name} was at work when the clocks of {trip.host.pop.name} showed {shown}"
                break
            moment += timedelta(minutes=1)


def is_inside(window: Window, shown: datetime) -> bool:
    """Tell whether a window that opened on that day or the one before covers what the clocks show."""
    for opened_on in (shown.date(), shown.date() - timedelta(days=1)):
        opens = datetime.combine(opened_on, window.start)
        named = WEEK[opened_on.weekday()] in {day.value for day in window.days}
        if named and opens <= shown < opens + timedelta(hours=window.hours):
            return True
    return False


def started_early(trips: Sequence[Trip], begins: Sequence[tuple[datetime, int]]) -> Iterator[str]:
    """Yield each wave before whose beginning more hosts had started than all earlier waves hold.

    `begins` has when each wave began, and how many hosts all waves before it have together.
    """
    first: dict[str, datetime] = {}
    for trip in trips:
        first[trip.host.name] = min(trip.began, first.get(trip.host.name, trip.began))
    for moment, before in begins:
        started = sum(began < moment for began in first.values())
        if started != before:
            yield f"{started} hosts had started when the wave at {moment} began, {before} should have"


def started_beyond(trips: Sequence[Trip], failed: Sequence[datetime], allowed: int) -> Iterator[str]:
    """Yield each start that came after more than `allowed` hosts had failed, at the times in `failed`."""
    if len(failed) > allowed:
        last = sorted(failed)[allowed]
        yield from (f"{trip.host.name} at {trip.began}" for trip in trips if trip.began > last)


def could_have_started(
    fleet: Fleet, trips: Sequence[Trip], moment: datetime, percent: int, needs: timedelta
) -> Iterator[str]:
    """Yield each host that had not started by a moment, and had room and time at it."""
    by_metro: dict[str, list[Trip]] = defaultdict(list)
    for trip in trips:
        by_metro[trip.host.pop.metro].append(trip)
    members: dict[str, list[int]] = defaultdict(list)
    for host in fleet.hosts:
        members[host.pop.metro].append(fleet.gpus[host.name])
    absent = {host.name: host.pop.metro for host in fleet.out}
    gone = {trip.host.name for trip in trips}
    for host in fleet.hosts:
        metro = host.pop.metro
        whole, largest = sum(members[metro]), max(members[metro])
        away = hosts_out(by_metro[metro], moment) | {name for name, place in absent.items() if place == metro}
        gpus = sum(fleet.gpus[name] or largest for name in {*away, host.name})
        is_timely = not list(outside_windows([Trip(host, moment, moment, back=True)], needs))
        if host.name not in gone and gpus * 100 <= whole * percent and is_timely:
            yield f"{host.name} waited at {moment}, and nothing spoke against it"
