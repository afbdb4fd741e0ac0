"""Any step of a training again, to the bit: moments, snapshots, forks."""
