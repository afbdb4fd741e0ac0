"""Observations as SVG: graphs of gates, networks of neurons or of layers, and both passes as frames."""
