"""Training: the step as one graph, the loop around it, its events and checkpoints."""
