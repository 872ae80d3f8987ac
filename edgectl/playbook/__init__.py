"""The language: Ansible's dialect, loaded, checked and compiled to jobs before any host is contacted."""
