"""Trial and error: searching over thousands of networks, each trial a few members of a population."""
