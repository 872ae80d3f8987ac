"""The stand-ins a lab host has on its PATH. They run with the host's own python3, 3.9 or later, stdlib only."""
