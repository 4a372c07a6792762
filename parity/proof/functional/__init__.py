"""`jaxtrain.nn.functional` against `torch.nn.functional`, call by call."""
