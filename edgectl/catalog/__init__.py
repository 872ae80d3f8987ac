"""What hardware, GPUs, models and engines exist, with the data beside the code that reads it."""
