"""Pellucid's side. Only child processes import these modules."""
