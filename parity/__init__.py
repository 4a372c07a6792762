"""The proof that `jaxtrain` equals PyTorch: it knows both worlds.

PyTorch and torchvision come with the extra of the same name:
`pip install 'jaxtrain[parity]'`.

`compare` takes a user's own port and its PyTorch original.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from parity.port.case import Case, JaxSide, TorchSide
    from parity.port.comparison import compare
    from parity.port.report import Report

__all__ = ["Case", "JaxSide", "Report", "TorchSide", "compare"]

__getattr__ = attach(
    __name__,
    {
        "Case": "port.case",
        "JaxSide": "port.case",
        "Report": "port.report",
        "TorchSide": "port.case",
        "compare": "port.comparison",
    },
)
