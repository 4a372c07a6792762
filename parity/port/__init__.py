"""A user's own port, compared with its PyTorch original step by step.

`compare` takes a PyTorch side, a JAX side and batches. At every step the JAX side
starts from PyTorch's parameters and buffers, so the first quantity that departs is
where the port is wrong. `parity.doctor` then tries known causes.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from parity.port.case import Case, JaxSide, TorchSide
    from parity.port.comparison import compare
    from parity.port.mapping import MapError
    from parity.port.report import Report, Row

HOMES = {
    "Case": "case",
    "JaxSide": "case",
    "MapError": "mapping",
    "Report": "report",
    "Row": "report",
    "TorchSide": "case",
    "compare": "comparison",
}
"""Public name -> module."""

__all__ = ["Case", "JaxSide", "MapError", "Report", "Row", "TorchSide", "compare"]

__getattr__ = attach(__name__, HOMES)
