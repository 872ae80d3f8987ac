"""The code that travels to hosts: stdlib only, Python 3.9 and later, imports nothing of the controller's."""
