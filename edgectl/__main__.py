"""`python -m edgectl`."""

from __future__ import annotations

from edgectl.cli.main import main

if __name__ == "__main__":
    main()
