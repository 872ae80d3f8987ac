"""The fleet's view: outliers among peers, incidents with one cause, hosts that fail again and again."""
