"""The stand-ins on a lab host's PATH: stdlib only, run by the host's own python3, 3.9 or later."""
