"""Programs of our own on the GPUs: through the driver's library alone, with no toolkit at the host."""
