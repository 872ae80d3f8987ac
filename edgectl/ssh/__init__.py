"""SSH on paramiko, behind the Connector port. Nobody else imports paramiko, the lab's server apart."""

import sys

# paramiko imports `invoke` for one word of an ssh_config, `Match exec`, which brings asyncio and unittest.mock: 60 of
# its 140 ms. It says itself how it does without; `ssh/client_config.py` gives it to those who have that word.
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]  # None: an import of it fails (importlib's own way)
