"""The proof as a product: groups of verdicts, as a table, as JSON and as a page."""
