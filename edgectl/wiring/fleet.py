"""The inventory that the settings name becomes the fleet: from the cache where its files are as they were."""

from __future__ import annotations

import gc

from edgectl.clock import SystemClock
from edgectl.inventory.cache import Cache
from edgectl.inventory.model import Fleet
from edgectl.inventory.stamps import Stamps
from edgectl.inventory.unpacking import unpacked
from edgectl.settings import Settings


def load_fleet(settings: Settings) -> Fleet:
    """Return the fleet; a host's details are looked up when somebody asks for the host."""
    cache = _cache(settings)
    parts = cache.found(_now_ns())
    if parts is None:
        return read_fleet(settings)
    index, shared, details = parts
    fleet = unpacked(index, shared, details, settings.inventory)
    # It lives as long as the command. Python would look for garbage in it when it ends, twice: 15 ms for 20,000 hosts.
    gc.freeze()
    return fleet


def read_fleet(settings: Settings) -> Fleet:
    """Return the fleet as its files say it now, whatever the cache holds, and keep it there."""
    from edgectl.catalog.hardware import load_catalog
    from edgectl.inventory.loader import load_files
    from edgectl.inventory.packing import packed

    cache = _cache(settings)
    before: Stamps = cache.stamps(_now_ns())
    loaded = load_files(settings.inventory, hardware=load_catalog().names)
    cache.keep(packed(loaded.fleet), loaded.digests, before)
    return loaded.fleet


def _cache(settings: Settings) -> Cache:
    return Cache(settings.cache_folder / "inventory", settings.inventory)


def _now_ns() -> int:
    return int(SystemClock().now().timestamp() * 1e9)
