"""The canonical argument hash: equal arguments give equal hashes in every process and on every supported Python."""
