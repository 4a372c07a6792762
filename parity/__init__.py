"""The proof that `jaxtrain` equals PyTorch: it knows both worlds.

PyTorch and torchvision come with the extra of the same name:
`pip install 'jaxtrain[parity]'`.
"""
