"""How a `DataLoader` loads: its passes, its workers, and where their draws stand."""
