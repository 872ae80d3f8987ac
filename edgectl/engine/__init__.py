"""How a run is carried over many hosts. Owns the ports that adapters fit; knows no network, no database."""
