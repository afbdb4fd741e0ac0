"""Optimizers and schedules: transformations of graphs."""
