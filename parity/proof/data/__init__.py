"""`jaxtrain.data` against `torch.utils.data`: indices, batches and draws."""
