"""The command line: ``pellucid train``, ``predict``, ``evaluate``, ``observe``, ``show`` and ``init``."""

from pellucid.cli.entry import main

__all__ = ["main"]
