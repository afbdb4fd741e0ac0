"""Gates and checks: evidence on whether operations, networks and runs are right."""
