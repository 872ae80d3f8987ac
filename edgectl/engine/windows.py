"""When a PoP may be worked on: its window, in its own time zone, across every change of the clocks. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from edgectl.inventory.model import Weekday, Window

# A window that opens on one day of the week, and not in a week whose clock change cuts it short, opens within
# this many days or never.
_HORIZON_DAYS = 30
_DAYS = tuple(Weekday)


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time, in UTC, its end excluded."""

    opens: dt.datetime
    closes: dt.datetime


def opening(window: Window, tz: str, now: dt.datetime, needs_s: float) -> Interval | None:
    """Return the first interval of a window in which `needs_s` seconds of work fit from `now` on.

    `now` is in UTC. None: no interval is long enough. Windows that touch are one.
    """
    needs = dt.timedelta(seconds=needs_s)
    for interval in _joined(_intervals(window, ZoneInfo(tz), now)):
        if max(interval.opens, now) + needs <= interval.closes:
            return interval
    return None


def _joined(intervals: Iterator[Interval]) -> Iterator[Interval]:
    held: Interval | None = None
    for interval in intervals:
        if held is not None and interval.opens <= held.closes:
            held = Interval(held.opens, max(held.closes, interval.closes))
            continue
        if held is not None:
            yield held
        held = interval
    if held is not None:
        yield held


def _intervals(window: Window, zone: ZoneInfo, now: dt.datetime) -> Iterator[Interval]:
    """Yield the window of each day, from yesterday's, which may still be open."""
    today = now.astimezone(zone).date()
    days = {_DAYS.index(day) for day in window.days}
    for ahead in range(-1, _HORIZON_DAYS):
        day = today + dt.timedelta(days=ahead)
        if day.weekday() in days:
            interval = _on(day, window, zone)
            if interval.opens < interval.closes:
                yield interval


def _on(day: dt.date, window: Window, zone: ZoneInfo) -> Interval:
    """Return a day's window: between the two times that its clocks show, and never longer than its hours.

    Where the clocks go forward a window is as much shorter as time is missing from it. Where they go back, a
    time that comes twice opens the window the second time and closes it the first.
    """
    length = dt.timedelta(hours=window.hours)
    start = dt.datetime.combine(day, window.start)
    opens = _instant(start, zone, later=True)
    return Interval(opens, min(_instant(start + length, zone, later=False), opens + length))


def _instant(local: dt.datetime, zone: ZoneInfo, *, later: bool) -> dt.datetime:
    """Return when the clocks of a zone show `local`; where they skip it, the moment at which they do."""
    first = local.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)
    if first <= second:
        return second if later else first
    return _change(second, first, zone)


def _change(before: dt.datetime, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the second at which a zone's clocks change, which is after `before` and not after `after`."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, round((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        is_old = (before + dt.timedelta(seconds=middle)).astimezone(zone).utcoffset() == old
        low, high = (middle, high) if is_old else (low, middle)
    return before + dt.timedelta(seconds=high)
