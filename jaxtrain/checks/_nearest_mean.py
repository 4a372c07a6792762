"""A classifier in closed form: whose mean image is the nearest?

It needs no training, so what it gets right says something of the data alone.
"""

import numpy as np

LOOKED_AT = 5000
"""Inputs to learn from and, others, to test on: 0.7 points of standard error."""


def class_means(inputs: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """The mean input of each class, (classes, features); NaN for one that is not there.

    Example:
        >>> class_means(np.array([[0.0], [2.0], [5.0]]), np.array([0, 0, 1]), 2)
        array([[1.],
               [5.]])
    """
    flat = _flat(inputs)
    counts = np.bincount(labels, minlength=classes)
    one_hot = (labels[:, None] == np.arange(classes)).astype(flat.dtype)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (one_hot.T @ flat) / counts[:, None]


def accuracy(means: np.ndarray, inputs: np.ndarray, labels: np.ndarray) -> float:
    """Share of inputs whose label is that of the nearest mean, 0 to 1.

    argmin |x - m|² = argmax x·m - |m|²/2

    Example:
        >>> means = np.array([[1.0], [5.0]])
        >>> accuracy(means, np.array([[0.0], [9.0]]), np.array([0, 0]))
        0.5
    """
    there = np.flatnonzero(np.isfinite(means).all(axis=1))
    kept = means[there]
    nearness = _flat(inputs) @ kept.T - (kept**2).sum(axis=1) / 2
    return float((there[nearness.argmax(axis=1)] == labels).mean())


def _flat(inputs: np.ndarray) -> np.ndarray:
    return inputs.reshape(len(inputs), -1).astype(np.float64)
