"""The graph: typed values, nodes with readable paths, and passes that turn one graph into another."""
