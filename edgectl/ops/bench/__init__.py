"""`bench`: measure inference, on the nodes or from here."""
