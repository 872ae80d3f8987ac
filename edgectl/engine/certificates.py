"""Acceptance certificates as the store keeps them: a copy of what lies at the node, to compare nodes by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Certified:
    """A node of a kind was accepted: its certificate's number, digest and content, and the run that brought it."""

    host: str
    hardware: str
    number: int
    digest: str
    at: datetime
    run: str
    content: Mapping[str, Any] = field(hash=False)

    def figures(self) -> Mapping[str, float]:
        """Return the figure of each test that has one per GPU: the lowest."""
        return {
            test["name"]: float(test["value"])
            for test in self.content.get("tests", ())
            if test.get("figures")
        }


class Certificates(Protocol):
    """Every certificate that a run brought home, in the store."""

    def record(self, certified: Iterable[Certified]) -> None:
        """Keep them; one that is known already is not kept twice."""
        ...

    def of(self, host: str) -> Sequence[Certified]:
        """Return a host's certificates, oldest first."""
        ...

    def newest(self, kinds: Collection[str], before: datetime) -> Sequence[Certified]:
        """Return the newest certificate from before a moment of each host of these kinds of hardware."""
        ...


class NoCertificates:
    """Keeps nothing, for services without a store."""

    def record(self, certified: Iterable[Certified]) -> None:
        """Forget them."""
        del certified

    def of(self, host: str) -> Sequence[Certified]:
        """Return nothing."""
        del host
        return ()

    def newest(self, kinds: Collection[str], before: datetime) -> Sequence[Certified]:
        """Return nothing."""
        del kinds, before
        return ()
