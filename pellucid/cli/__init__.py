"""The command line: ``pellucid train``, ``pellucid predict``, ``pellucid observe``."""

from pellucid.cli.entry import main

__all__ = ["main"]
