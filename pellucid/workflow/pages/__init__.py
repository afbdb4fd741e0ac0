"""Self-contained HTML pages about a run: everything they show is in the file."""
