"""`python -m parity docs losses`: the worst value and gradient of every loss."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from parity.proof.losses.cases import CASES
from parity.proof.losses.judge import judge

OPTAX: dict[str, str] = {
    "binary_cross_entropy_with_logits": "`sigmoid_binary_cross_entropy`: no weights",
    "cosine_embedding_loss": "`cosine_distance`: no target, no margin, another ε",
    "cross_entropy": "`softmax_cross_entropy_with_integer_labels`: no weight, no "
    "reduction, NaN for a label of -100",
    "ctc_loss": "`ctc_loss`: paddings for lengths, no reduction, no zero_infinity",
    "hinge_loss": "`hinge_loss`: margin 1, no reduction",
    "huber_loss": "`huber_loss`: no weight, no reduction",
    "kl_div": "`kl_divergence`: sums over the last dimension, like batchmean",
    "mse_loss": "`squared_error`: no weight, no reduction; `l2_loss` is half of it",
    "multi_margin_loss": "`multiclass_hinge_loss`: the largest rival only",
    "multilabel_soft_margin_loss": "`sigmoid_binary_cross_entropy`, averaged by hand",
    "sigmoid_focal_loss": "`sigmoid_focal_loss`: alpha is None by default",
    "smooth_l1_loss": "`huber_loss` with δ = β is β times it",
    "triplet_margin_loss": "`triplet_margin_loss`: signed differences, another ε",
}
"""What Optax has for a loss of ours, and how it differs; nothing, where not listed."""


@dataclass(frozen=True)
class Row:
    """One line of the documentation's table: the worst over a loss's cases."""

    name: str
    cases: int
    gradients: tuple[str, ...]
    float64: float
    """Relative."""
    float32: float
    """Units in the last place; PyTorch's own beside it."""
    own: float
    optax: str
    """What Optax has instead."""
    passed: bool
    """Whether every value and gradient kept to its bound."""

    def __str__(self) -> str:
        return (
            f"| `{self.name}` | {', '.join(self.gradients)} | {self.cases} "
            f"| {self.float64:.1g} | {self.float32:.1f} | {self.own:.1f} "
            f"| {self.optax} |"
        )


HEADER = (
    "| loss | gradients | cases | float64, relative | float32, ulps | PyTorch's own "
    "| Optax instead |\n|---|---|--:|--:|--:|--:|---|"
)


def rows(
    names: Sequence[str], on_progress: Callable[[str], None] = lambda text: None
) -> Iterator[Row]:
    """Judge every case of each loss in both types, and sum up."""
    for name in names:
        on_progress(name)
        cases = [case for case in CASES if case.name == name]
        wide, narrow = judge(cases, "float64"), judge(cases, "float32")
        gradients = dict.fromkeys(key for case in cases for key in case.gradients)
        yield Row(
            name,
            len(cases),
            tuple(gradients),
            max(found.worst for found in wide),
            max(found.worst for found in narrow),
            max(found.own for found in narrow),
            OPTAX.get(name, "has none"),
            all(found.passed for found in (*wide, *narrow)),
        )
