"""What a run is to do: the recipe of a network, the plan around it, and the file that holds both."""
