"""The peers: searches and populations with other tools. Only child processes import these modules."""
