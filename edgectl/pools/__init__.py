"""Where the hosts of a run are worked on: behind the engine's HostPool port."""
