"""`ping`: a census of who answers, how fast, and since when the others do not."""
