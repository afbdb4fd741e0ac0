"""Error against the number of rows and against the size of the network: trainings, power law, words and pictures."""
