"""Fashion-MNIST: what it is, and how it is found, verified or fetched."""
