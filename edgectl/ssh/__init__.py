"""SSH on paramiko, behind the Connector port. Nobody else imports paramiko, the lab's server apart."""
