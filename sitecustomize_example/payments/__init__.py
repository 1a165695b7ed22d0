"""A stand-in for a payment provider: a service of its own, reached over HTTP only."""
