"""`provision`: bring nodes from a bare operating system to accepted."""
