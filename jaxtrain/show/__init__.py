"""A run as lines on a terminal, as pictures and as a page."""
