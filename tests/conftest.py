"""Shared fixtures; and property tests have no deadline (machines differ) and the same examples every time in CI."""

import os

from bad_desk import desk, good, refuse  # noqa: F401 (fixtures of several files)
from hypothesis import settings

settings.register_profile("local", deadline=None)
settings.register_profile("reproducible", deadline=None, derandomize=True)
settings.load_profile("reproducible" if os.environ.get("CI") else "local")
