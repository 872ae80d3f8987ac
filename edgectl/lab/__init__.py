"""A local fleet of real SSH hosts to try things on; nothing outside it is ever touched."""
