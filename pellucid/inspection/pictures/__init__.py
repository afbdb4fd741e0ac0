"""Pictures, drawn with Matplotlib: what layers do to the data, learning curves, and scikit-learn's displays."""
