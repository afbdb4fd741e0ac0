"""Seeing: every value and every gradient of a graph, observed, explained and drawn."""
