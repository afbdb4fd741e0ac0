"""The loss as a landscape over the parameters: surfaces along two directions, paths of training, curvature."""
