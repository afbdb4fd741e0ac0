"""Gates: the recipe for training networks as assertions, each with evidence, a threshold, its source, and a remedy."""
