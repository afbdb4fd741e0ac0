"""Networks: layers, losses, initializers and regularizers, all of which only build graphs."""
