"""`health`: what the nodes say about their GPUs, judged by rules. Nothing is changed, no lock is taken."""
