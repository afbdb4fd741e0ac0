"""What a network has to beat: the same prediction for every row, a linear model, and trees."""
