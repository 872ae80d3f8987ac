"""What travels to hosts while it does: bytes, rate and an estimate, hosts folded into PoPs, many PoPs into one line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

_BAR_CELLS = 20
_MINUTE_S, _HOUR_MIN = 60, 60
_REDRAWN_S = 1.0
_SHOWN = 5  # of more PoPs, those that take longest
_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True, slots=True)
class _Host:
    """What one host has of all it wants, in bytes (0: not known), and had when it was first heard."""

    before: int
    done: int
    total: int
    is_over: bool = False


@dataclass(slots=True)
class _Sum:
    """Hosts taken together, since the first of them was heard."""

    began_s: float
    before: int = 0
    done: int = 0
    total: int = 0
    unsized: int = 0
    going: int = 0

    def add(self, host: _Host, sign: int) -> None:
        self.before += sign * host.before
        self.done += sign * host.done
        self.total += sign * host.total
        self.unsized += sign * (not host.total and not host.is_over)
        self.going += sign * (not host.is_over)

    def rate(self, now: float) -> float:
        """Return bytes per second; what was there before was not moved."""
        seconds = now - self.began_s
        return max(0, self.done - self.before) / seconds if seconds > 0 else 0.0

    def left_s(self, now: float) -> float:
        """Return when they will have it all at that pace."""
        rate = self.rate(now)
        return max(0, self.total - self.done) / rate if rate else math.inf


class Transfers:
    """Where each host stands, as it says itself: whoever says the same again, after a lost line, adds nothing."""

    def __init__(self) -> None:
        self._pops: dict[str, str] = {}
        self._hosts: dict[str, _Host] = {}
        self._sums: dict[str, _Sum] = {}  # by PoP
        self._all = _Sum(0.0)
        self._drawn_s = -math.inf
        self._lines: list[str] = []

    def started(self, host: str, pop: str) -> None:
        """Take note of where a host is."""
        self._pops[host] = pop

    def moved(self, host: str, done: int, total: int, now: float) -> None:
        """Take note of where a host stands."""
        if not self._hosts:
            self._all = _Sum(now)
        known = self._hosts.get(host)
        self._sums.setdefault(self._pops.get(host, ""), _Sum(now))
        self._put(host, _Host(known.before if known else done, done, total))

    def ended(self, host: str, *, well: bool) -> None:
        """Take note that a host is over; what it lacks, where it did not go well, is not coming."""
        known = self._hosts.get(host)
        if known is not None:
            done = known.total if well and known.total else known.done
            self._put(host, replace(known, done=done, total=done, is_over=True))

    def _put(self, host: str, now: _Host) -> None:
        before = self._hosts.get(host)
        for total in (self._all, self._sums[self._pops.get(host, "")]):
            if before is not None:
                total.add(before, -1)
            total.add(now, +1)
        self._hosts[host] = now

    def lines(self, now: float) -> list[str]:
        """Return a line over all, and one for each PoP under way, the slowest of many; made once a second."""
        if now - self._drawn_s >= _REDRAWN_S:
            self._drawn_s, self._lines = now, list(self._made(now)) if self._all.going else []
        return self._lines

    def _made(self, now: float) -> Iterator[str]:
        going = {name: one for name, one in self._sums.items() if one.going}
        if len(self._sums) == 1:
            yield f"  {next(iter(going)) or 'bytes'}   {_told(self._all, now)}"
            return
        count = f"PoPs {len(self._sums) - len(going):,}/{len(self._sums):,}"
        slowest = sorted(going, key=lambda name: (-going[name].left_s(now), name))
        width = max(len(count), *(2 + len(name) for name in slowest[:_SHOWN]))
        yield f"  {count:<{width}}   {_told(self._all, now)}"
        for name in slowest[:_SHOWN]:
            yield f"    {name:<{width - 2}}   {_told(going[name], now)}"
        if len(slowest) > _SHOWN:
            yield f"    {len(slowest) - _SHOWN:,} PoPs more, sooner than these"


def _told(one: _Sum, now: float) -> str:
    """Say how far hosts are together, how fast they come on, and how long it takes at that pace."""
    rate = f"{_bytes(one.rate(now))}/s"
    if one.unsized:
        return f"{_bytes(one.done)}   {rate}"
    cells = min(_BAR_CELLS, _BAR_CELLS * one.done // max(one.total, 1))
    scale, unit = _unit(one.total)
    done, total = (_figure(size / scale) for size in (one.done, one.total))
    left_s = one.left_s(now)
    left = f"about {rounded(left_s)}" if math.isfinite(left_s) else "no estimate yet"
    return f"{'█' * cells}{'░' * (_BAR_CELLS - cells)}  {done} of {total} {unit}   {rate}   {left}"


def _unit(size: float) -> tuple[float, str]:
    return next(((scale, unit) for scale, unit in _UNITS if size >= scale), (1.0, "B"))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"  # noqa: PLR2004 - two figures are enough for a bar


def _bytes(size: float) -> str:
    scale, unit = _unit(size)
    return f"{_figure(size / scale)} {unit}"


def rounded(seconds: float) -> str:
    """Return a duration as people say it: 45 s, 5 min, 7 h 20 min."""
    minutes = math.ceil(seconds / _MINUTE_S)
    if seconds < _MINUTE_S:
        return f"{math.ceil(seconds)} s"
    return f"{minutes} min" if minutes < _HOUR_MIN else f"{minutes // 60} h {minutes % 60} min"
