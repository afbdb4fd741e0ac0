"""A layered layout of its own: vertices in columns, few crossings, straight wires, long drawings wrapped."""
