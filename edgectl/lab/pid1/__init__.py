"""The first process of a lab host: sessions, services, journal, reboot."""
