"""Both sides timed in turn, in one process run."""
