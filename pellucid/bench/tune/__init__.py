"""The benchmark of trial and error: searches and populations beside other tools, on the same cores, in one run."""
