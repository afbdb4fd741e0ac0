"""The benchmark: the same training in Pellucid and in other frameworks, in turn, on the same cores."""
