"""`deploy`: put a model into service."""
