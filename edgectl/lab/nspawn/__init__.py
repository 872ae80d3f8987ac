"""Lab hosts that are real Debian machines with systemd, sudo and apt, in systemd-nspawn; root only."""
