"""SSH on paramiko, behind the engine's Connector port. No other package imports paramiko, the lab's server apart."""
