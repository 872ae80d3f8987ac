"""Acting on findings: a ladder of remedies, planned, bounded, proved."""
