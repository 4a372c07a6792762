"""The images that runs are trained on."""

from functools import cache

from jaxtrain.data import DataError, Dataset, load


@cache
def fashion_mnist() -> Dataset:
    """The real data set.

    Raises:
        DataError: it is neither here nor to be fetched.
    """
    return load()


@cache
def images() -> Dataset:
    """The real data set, or drawn images where it cannot be had.

    Two frameworks can be compared on either; `Dataset.synthetic` says which it is.
    """
    try:
        return fashion_mnist()
    except DataError:
        return load("synthetic")
