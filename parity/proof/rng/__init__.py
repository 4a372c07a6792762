"""Random draws, bit for bit."""
