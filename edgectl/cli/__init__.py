"""Words in, exit code out: a command parses, makes one call into ops, renders and exits. No logic here."""
