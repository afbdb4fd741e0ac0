"""Searching over recipes for a table, and what becomes of the best of them."""
