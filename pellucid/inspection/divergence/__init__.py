"""The first step, node and element at which two runs differ, and how the difference grows."""
