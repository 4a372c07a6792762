"""Losses: their cases, their judge, their broken twin."""
