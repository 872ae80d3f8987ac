"""Health over time: looks and days of cards, states of findings, trends."""
