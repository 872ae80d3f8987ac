"""The only package that knows everybody: settings become adapters, adapters become services."""
