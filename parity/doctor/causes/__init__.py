"""Known causes of a departure, each a file that tries to explain it."""
