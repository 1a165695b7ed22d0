"""Records what a target asks of its dependencies, as effects of its bundle. Not imported without `dependencies:`."""
