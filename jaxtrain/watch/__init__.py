"""What looks at a run: before it, while it trains, and for a learning rate."""
