"""A load generator for streaming chat completions, and the arithmetic of what it saw."""
