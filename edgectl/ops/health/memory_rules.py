"""The rules about a GPU's memory: ECC, remapped rows, retired pages. Pure."""

from __future__ import annotations

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.sight import Sight, flag, pending

# Xids that say an uncorrected error was real: double bit, uncontained, escaped (NVIDIA Xid catalogue).
_CONFIRMING_XIDS = frozenset({48, 95, 140})
_REMAP = "remap_pending"


def ecc_uncorrected(sight: Sight, _rule: Rule) -> Judged:
    """Count since the driver was loaded; the lifetime count is history, not health."""
    count = sight.gpu.ecc_volatile_uncorrected
    if count is None:
        return Standing.UNJUDGED
    if count == 0:
        return Standing.HOLDS
    confirmed = sight.gpu.remap_failure or not _CONFIRMING_XIDS.isdisjoint(sight.xids)
    severity = Severity.CRITICAL if confirmed else Severity.WARNING
    return Breach(severity, count, f"{count:,} since the driver was loaded")


def ecc_sram_threshold(sight: Sight, _rule: Rule) -> Judged:
    """The driver's own flag."""
    return flag(sight.gpu.ecc_sram_threshold_exceeded, wanted=False, severity=Severity.CRITICAL)


def ecc_off(sight: Sight, _rule: Rule) -> Judged:
    """A GPU without ECC says unsupported, not off."""
    return flag(sight.gpu.ecc_mode, wanted=True, severity=Severity.WARNING)


def ecc_pending(sight: Sight, _rule: Rule) -> Judged:
    """In either direction."""
    return pending(sight.gpu.ecc_mode, sight.gpu.ecc_mode_pending)


def row_remap_pending(sight: Sight, _rule: Rule) -> Judged:
    """Any GPU that has the reading counts, whatever its name."""
    return flag(sight.gpu.remap_pending, wanted=False, severity=Severity.WARNING)


def row_remap_failure(sight: Sight, _rule: Rule) -> Judged:
    """As pending, and for the card's life."""
    return flag(sight.gpu.remap_failure, wanted=False, severity=Severity.CRITICAL)


def row_remap_history(sight: Sight, rule: Rule) -> Judged:
    """Rows remapped for uncorrected errors over the card's life; the corrected ones are another count."""
    rows = sight.gpu.remapped_rows_uncorrected
    if rows is None:
        return Standing.UNJUDGED
    if rows < rule.thresholds["rows"]:
        return Standing.HOLDS
    return Breach(Severity.WARNING, rows, f"{rows:,} rows")


def row_remap_banks(sight: Sight, _rule: Rule) -> Judged:
    """The last figure of the histogram counts banks without a spare."""
    banks = sight.gpu.remap_banks
    if not banks:
        return Standing.UNJUDGED
    without = banks[-1]
    if without == 0:
        return Standing.HOLDS
    return Breach(Severity.WARNING, list(banks), f"{without:,} of {sum(banks):,} banks")


def memory_unrepairable(sight: Sight, _rule: Rule) -> Judged:
    """The driver's own flag."""
    return flag(sight.gpu.memory_unrepairable, wanted=False, severity=Severity.CRITICAL)


def retired_pages(sight: Sight, rule: Rule) -> Judged:
    """Only where the GPU says that it does not remap rows."""
    gpu = sight.gpu
    if gpu.retired_pages is None or _REMAP not in gpu.unread.unsupported:
        return Standing.UNJUDGED
    if gpu.retired_pages >= rule.thresholds["pages"]:
        return Breach(Severity.CRITICAL, gpu.retired_pages, f"{gpu.retired_pages} pages")
    if gpu.retired_pages_pending:
        return Breach(Severity.WARNING, gpu.retired_pages, "one more waits for a reboot")
    return Standing.HOLDS
