"""Schedules: their cases, their values on both sides, their broken twin."""
