"""Known causes of a departure, each tried by computing what it would give.

`diagnose` compares a port with its original and, where they depart, recomputes the
departing quantity as PyTorch would have it with one thing changed, for every cause it
knows. What then agrees with the port to rounding explains it.
"""

from jaxtrain._lazy import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
