"""What a run is and says: its configuration, its events, its history, its end."""
