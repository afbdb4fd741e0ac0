"""The native executor: graphs compiled to machine code for this network on this processor."""
