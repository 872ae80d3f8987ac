"""A certificate on one page, for people; what counts is the JSON beside it."""

from __future__ import annotations

from edgectl.remote.lean import Any


def page(certificate: dict[str, Any]) -> str:
    """Return the page."""
    waived = {waiver.get("test"): waiver for waiver in certificate["waivers"]}
    lines = [
        f"Acceptance certificate {certificate['number']} of {certificate['host']}",
        f"issued    {certificate['issued']}",
        f"baseline  {certificate['baseline']['name']}, digest {certificate['baseline']['digest']}",
        f"parts     {', '.join(certificate['serials'])}",
        "",
        *(line for test in certificate["tests"] for line in _lines(test, waived.get(test.get("name")))),
        "",
        f"previous  {certificate['previous'] or 'none: this is the first'}",
        f"digest    {certificate['digest']}",
    ]
    return "\n".join(lines) + "\n"


def _lines(test: dict[str, Any], waiver: dict[str, Any] | None) -> list[str]:
    verdict = "passed" if test.get("passed") else "FAILED"
    if waiver is not None:
        verdict = f"waived by {waiver.get('owner')} until {waiver.get('until')}: {waiver.get('reason')}"
    value, threshold = str(test.get("value", "")), test.get("threshold")
    wanted = ""
    if threshold is not None:
        source = test.get("source", "baseline")
        wanted = f", as {source} has it" if str(threshold) == value else f", wanted {threshold} ({source})"
    first, *more = value.split("; ")
    head = f"  {test.get('name', ''):<24} {verdict}   {first}{'' if more else wanted}"
    return [head, *(f"{'':<36}{line}{wanted if line is more[-1] else ''}" for line in more)]
