"""A Report becomes text. One file per format; none of them knows what a capability is about."""
