"""edgectl: one YAML inventory and plain SSH, for AI inference at thousands of small sites."""

__version__ = "0.1.0"
