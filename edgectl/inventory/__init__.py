"""The fleet as people wrote it down: PoPs, racks, hosts, groups, and the patterns that select them."""
