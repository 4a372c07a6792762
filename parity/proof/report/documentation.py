"""`python -m parity docs GROUP`: the documentation's tables, made from verdicts."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jaxtrain import nn, optim
from parity.proof.groups import module
from parity.proof.optimizers.cases import OptimizerCase
from parity.proof.optimizers.optax_nearest import NEAREST
from parity.proof.optimizers.trajectory import gap
from parity.proof.verdict import OnProgress, Task, Verdict, worst

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

HEADERS: Mapping[str, str] = {
    "optimizers": (
        "| optimiser | PyTorch's arguments | cases | float32 | float64 | Optax instead "
        "| apart |\n|---|---|--:|---|---|---|--:|"
    ),
    "losses": (
        "| loss | gradients | cases | float64, relative | float32, ulps "
        "| PyTorch's own | Optax instead |\n|---|---|--:|--:|--:|--:|---|"
    ),
    "functional": (
        "| function | gradients | calls | float64, relative | float32, ulps |\n"
        "|---|---|--:|---|---|"
    ),
    "layers": (
        "| layer | arguments | cases | float64, relative | float32, ulps "
        "| Flax instead |\n|---|---|--:|---|---|---|"
    ),
}


def rows(
    group: str, names: Sequence[str], on_progress: OnProgress = lambda text: None
) -> Iterator[tuple[str, bool]]:
    """Judge every case of each name: its line, and whether all kept to their bounds."""
    code = module(group)
    for name in names:
        cases = [case for case in code.CASES if case.name == name]
        measure = list(code.verdicts(Task([name]), on_progress))
        line = LINES[group](name, cases, measure)
        yield f"| `{name}` | {line} |", all(verdict.passed for verdict in measure)


def _of(dtype: str, found: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in found if verdict.dtype == dtype]


def _ulps(found: Verdict) -> str:
    return f"{found.value:.1f} of {found.bound:.1f} ({found.tensor})"


def _optimizer(name: str, cases: Sequence[Any], found: Sequence[Verdict]) -> str:
    arguments = ", ".join(inspect.signature(getattr(optim, name)).parameters)
    narrow, wide = (_ulps(worst(_of(d, found))) for d in ("float32", "float64"))
    nearest = NEAREST[name]
    call = f"`{nearest.call}`: " if nearest.call else ""
    shape = (4, 6) if name in ("adafactor", "muon") else (8,)
    apart = (
        f"{gap(nearest.make(), OptimizerCase(name), shape=shape):.1g}"
        if nearest.make
        else ""
    )
    return (
        f"{arguments} | {len(cases)} | {narrow} | {wide} | {call}{nearest.instead} "
        f"| {apart}"
    )


def _loss(name: str, cases: Sequence[Any], found: Sequence[Verdict]) -> str:
    gradients = dict.fromkeys(key for case in cases for key in case.gradients)
    wide, narrow = _of("float64", found), _of("float32", found)
    return (
        f"{', '.join(gradients)} | {len(cases)} | {max(v.value for v in wide):.1g} "
        f"| {max(v.value for v in narrow):.1f} | {max(v.rounding for v in narrow):.1f} "
        f"| {OPTAX.get(name, 'has none')}"
    )


def _layer(name: str, cases: Sequence[Any], found: Sequence[Verdict]) -> str:
    own = {"self", "generator", "dtype", "args", "kwargs"}
    parameters = inspect.signature(getattr(nn, name).__init__).parameters
    arguments = ", ".join(name for name in parameters if name not in own)
    wide, narrow = worst(_of("float64", found)), worst(_of("float32", found))
    return (
        f"{arguments} | {len(cases)} | {wide.value:.1g} ({wide.tensor}) "
        f"| {_ulps(narrow)} | {cases[0].flax}"
    )


def _function(name: str, cases: Sequence[Any], found: Sequence[Verdict]) -> str:
    gradients = dict.fromkeys(key for case in cases for key in case.gradients)
    wide, narrow = _of("float64", found), _of("float32", found)
    exact = f"{worst(wide).value:.1g} ({worst(wide).tensor})" if wide else ""
    return f"{', '.join(gradients)} | {len(cases)} | {exact} | {_ulps(worst(narrow))}"


LINES: Mapping[str, Callable[[str, Sequence[Any], Sequence[Verdict]], str]] = {
    "optimizers": _optimizer,
    "losses": _loss,
    "layers": _layer,
    "functional": _function,
}
