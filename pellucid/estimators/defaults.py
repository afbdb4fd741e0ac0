"""What the estimators do unless told otherwise: the one place for their numbers."""

HIDDEN = (128,)
ACTIVATION = "gelu"
DROPOUT = 0.2
"""With a solver that goes step by step, in networks with hidden layers; L-BFGS needs the same loss twice."""
SOLVER = "adam"
ALPHA = 3e-3
LEARNING_RATE = 3e-3
BATCH_SIZE = 32
MAX_ITER = 300
TOL = 1e-4
N_ITER_NO_CHANGE = 20
VALIDATION_FRACTION = 0.1
MIN_VALIDATION_ROWS = 5
"""Where fewer rows would be held out, none are: their loss would be a matter of chance."""
SCALING = "standardize"
LIMIT = 3.0
AUTO_BATCH = 200
"""``batch_size="auto"`` means at most so many rows, as in scikit-learn."""
MOST_REPETITIONS = 4
"""Whole weights count as repetitions of their rows where these are at most so many times the rows."""
AUTOENCODER_HIDDEN = (32,)
AUTOENCODER_COMPONENTS = 2
AUTOENCODER_ALPHA = 0.0
