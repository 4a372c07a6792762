"""Whole runs: their cases, their judges, their broken twins."""
