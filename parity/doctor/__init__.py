"""Known causes of a departure, each tried by computing what it would give.

`diagnose` compares a port with its original and, where they depart, recomputes the
departing quantity as PyTorch would have it with one thing changed, for every cause it
knows. What then agrees with the port to rounding explains it.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from parity.doctor.diagnosis import Diagnosis, diagnose
    from parity.doctor.trial import Trial

__all__ = ["Diagnosis", "Trial", "diagnose"]

__getattr__ = attach(
    __name__, {"Diagnosis": "diagnosis", "Trial": "trial", "diagnose": "diagnosis"}
)
