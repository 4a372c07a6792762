"""Connectionist temporal classification, with PyTorch's rule for the gradient."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import check_reduction, floats, integers, reduce


def ctc_loss(
    log_probs: ArrayLike,
    targets: ArrayLike,
    input_lengths: ArrayLike,
    target_lengths: ArrayLike,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> jax.Array:
    """Connectionist temporal classification: l_n = -log Σ p(alignment) of a target.

    The sum is over all alignments: sequences of labels and blanks, one a time step,
    that give the target when repeated labels are merged and blanks removed.

    Args:
        log_probs: log-probabilities, (time, batch, classes) or (time, classes).
        targets: labels, (batch, longest), or one after the other without padding,
            (sum of target_lengths,).
        input_lengths: time steps in use, (batch,), or () or (1,) without a batch.
        target_lengths: labels in use, likewise. As traced values they make targets
            without padding as costly as if each were as long as all of them.
        blank: the class of the blank.
        reduction: `"mean"` divides each loss by its target's length (1 at least) before
            the mean over the batch; `"sum"` or `"none"`.
        zero_infinity: a target too long for its input costs 0, with gradient 0, in
            place of infinity and NaN.

    Raises:
        ValueError: shapes do not fit, `blank` is no class, or no such reduction.
        TypeError: the input is not floating-point, or targets or lengths no integers.

    A length or a label in use out of range, or lengths that do not add up to the
    targets, which PyTorch refuses (the label: reads past the end of a row), makes the
    loss NaN.

    The gradient is PyTorch's: exp(log_probs) minus the posterior of each class. It is
    the derivative with respect to logits once it has passed `log_softmax`; as that with
    respect to `log_probs` by themselves it would lack the first term. It is NaN for a
    class of probability 0. PyTorch has no second derivative; none is promised here.

    PyTorch: `torch.nn.functional.ctc_loss`.
    Reference: Graves et al. 2006, https://doi.org/10.1145/1143844.1143891

    Example:
        >>> even = jnp.full((2, 1, 2), jnp.log(0.5))
        >>> print(ctc_loss(even, jnp.array([[1]]), [2], [1]).round(6))  # 3 of 4 ways
        0.287682
    """
    check_reduction(reduction)
    (log_p,), dtype = floats(log_probs=log_probs)
    labels, *lengths = integers(
        targets=targets, input_lengths=input_lengths, target_lengths=target_lengths
    )
    batched = log_p.ndim == 3
    _check(log_p, labels, lengths[0], lengths[1], blank)
    if not batched:
        log_p, lengths = log_p[:, None], [length.reshape(1) for length in lengths]
    frames, symbols = lengths
    fits = labels.ndim > 1 or symbols.sum() == labels.size
    if labels.ndim == 1:
        labels = _pad(labels, symbols, _longest(target_lengths, labels.size))
    valid = fits & _valid(labels, frames, symbols, log_p)
    # What is no class must not be looked up; where it counts, the loss is NaN below.
    labels = jnp.where((labels >= 0) & (labels < log_p.shape[-1]), labels, blank)
    losses = _negative_log_likelihood(
        log_p, labels, frames, symbols, blank, zero_infinity
    )
    losses = jnp.where(valid, losses, jnp.nan)
    if reduction == "mean":
        losses = losses / jnp.maximum(symbols, 1).astype(losses.dtype)
    return reduce(losses if batched else losses[0], reduction).astype(dtype)


def _check(
    log_p: jax.Array,
    labels: jax.Array,
    frames: jax.Array,
    symbols: jax.Array,
    blank: int,
) -> None:
    if log_p.ndim not in (2, 3) or log_p.size == 0:
        raise ValueError(
            "log_probs must have shape (time, batch, classes) or (time, classes), and "
            f"not be empty, but has shape {log_p.shape}"
        )
    if not 0 <= blank < log_p.shape[-1]:
        raise ValueError(f"blank must be in label range, but is {blank}")
    batch = log_p.shape[1] if log_p.ndim == 3 else 1
    shapes = [(batch,)] if log_p.ndim == 3 else [(), (1,)]
    if frames.shape not in shapes or symbols.shape not in shapes:
        raise ValueError(
            f"log_probs of shape {log_p.shape} needs lengths of shape {shapes[0]}, "
            f"but input_lengths has {frames.shape} and target_lengths {symbols.shape}"
        )
    if labels.ndim not in (1, 2) or (labels.ndim == 2 and labels.shape[0] != batch):
        raise ValueError(
            f"targets must have shape ({batch}, longest) or (sum of target_lengths,), "
            f"but has {labels.shape}"
        )


def _longest(target_lengths: ArrayLike, size: int) -> int:
    leaves = jax.tree.leaves(target_lengths)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return size
    return min(int(np.max(np.asarray(target_lengths), initial=0)), size)


def _pad(labels: jax.Array, symbols: jax.Array, longest: int) -> jax.Array:
    """One target after the other -> (batch, longest)."""
    starts = jnp.cumsum(symbols) - symbols
    places = starts[:, None] + jnp.arange(longest)
    return jnp.take(labels, places, mode="fill", fill_value=-1)


def _valid(
    labels: jax.Array, frames: jax.Array, symbols: jax.Array, log_p: jax.Array
) -> jax.Array:
    in_use = jnp.arange(labels.shape[1]) < symbols[:, None]
    real = (labels >= 0) & (labels < log_p.shape[-1])
    lengths = (frames >= 0) & (frames <= log_p.shape[0])
    lengths &= (symbols >= 0) & (symbols <= labels.shape[1])
    return lengths & (real | ~in_use).all(-1)


@partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def _negative_log_likelihood(
    log_p: jax.Array,
    labels: jax.Array,
    frames: jax.Array,
    symbols: jax.Array,
    blank: int,
    zero_infinity: bool,
) -> jax.Array:
    losses, _ = _forward(log_p, labels, frames, symbols, blank, zero_infinity)
    return losses


def _forward(
    log_p: jax.Array,
    labels: jax.Array,
    frames: jax.Array,
    symbols: jax.Array,
    blank: int,
    zero_infinity: bool,
) -> tuple[jax.Array, Any]:
    states = _states(labels, blank)
    emissions = _emissions(log_p, states)
    prefixes = _prefixes(emissions, _may_skip(states))
    # Lengths out of range are NaN in the end, and only must not lead elsewhere here.
    last = jnp.clip(frames - 1, 0, log_p.shape[0] - 1)
    rows = jnp.arange(len(frames))
    ends = prefixes[last, rows]
    at_blank = jnp.take_along_axis(ends, 2 * symbols[:, None], 1, mode="clip")[:, 0]
    label_state = jnp.maximum(2 * symbols[:, None] - 1, 0)
    at_label = jnp.take_along_axis(ends, label_state, 1, mode="clip")[:, 0]
    # An empty target has one last state, the blank.
    at_label = jnp.where(symbols > 0, at_label, -jnp.inf)
    # An alignment ends in the last label or in the blank behind it.
    nll = -jnp.logaddexp(at_blank, at_label)
    # Without time steps the only alignment is the empty one.
    nll = jnp.where(frames > 0, nll, jnp.where(symbols > 0, jnp.inf, 0))
    losses = jnp.where(jnp.isinf(nll), 0, nll) if zero_infinity else nll
    return losses, (log_p, states, frames, symbols, emissions, prefixes, nll)


def _backward(
    blank: int, zero_infinity: bool, residuals: Any, cotangent: jax.Array
) -> tuple[Any, None, None, None]:
    log_p, states, frames, symbols, emissions, prefixes, nll = residuals
    suffixes = _suffixes(emissions, _may_skip(states), frames, symbols)
    # Both count the present emission.
    in_state = jnp.exp(prefixes + suffixes - emissions + nll[:, None])
    # -∞ less -∞ is NaN where a state cannot emit.
    in_state = jnp.where(jnp.isneginf(emissions), 0, in_state)
    classes = jnp.arange(log_p.shape[-1])
    belongs = (states[..., None] == classes).astype(log_p.dtype)
    posterior = jnp.einsum(
        "tns,nsc->tnc", in_state, belongs, precision=jax.lax.Precision.HIGHEST
    )
    # Equation 16 of the paper: with respect to the outputs before the softmax.
    grad = (jnp.exp(log_p) - posterior) * cotangent[:, None]
    # PyTorch divides by the probability of every class.
    grad = jnp.where(jnp.isneginf(log_p), jnp.nan, grad)
    times = jnp.arange(log_p.shape[0])[:, None, None]
    mask = times < frames[:, None]
    if zero_infinity:
        mask &= ~jnp.isinf(nll)[:, None]
    return jnp.where(mask, grad, 0), None, None, None


_negative_log_likelihood.defvjp(_forward, _backward)


def _states(labels: jax.Array, blank: int) -> jax.Array:
    """The target with a blank before, between and behind: (batch, 2·longest + 1)."""
    batch, longest = labels.shape
    states = jnp.full((batch, 2 * longest + 1), blank, labels.dtype)
    return states.at[:, 1::2].set(labels)


def _emissions(log_p: jax.Array, states: jax.Array) -> jax.Array:
    places = jnp.broadcast_to(states, (log_p.shape[0], *states.shape))
    return jnp.take_along_axis(log_p, places, axis=2)


def _may_skip(states: jax.Array) -> jax.Array:
    """Whether a state may follow the one two before it, skipping the one between.

    Labels that differ may; so blanks do not, and equal labels need their blank.
    """
    differ = states[:, 2:] != states[:, :-2]
    return jnp.pad(differ, ((0, 0), (2, 0)))[:, : states.shape[1]]


def _prefixes(emissions: jax.Array, may_skip: jax.Array) -> jax.Array:
    """log p of all beginnings of alignments, (time, batch, state)."""
    # Section 4.1: an alignment begins with the first blank or the first label.
    start = jnp.where(jnp.arange(emissions.shape[2]) < 2, emissions[0], -jnp.inf)

    def step(alpha: jax.Array, emission: jax.Array) -> tuple[jax.Array, jax.Array]:
        skip = jnp.where(may_skip, _shift(alpha, 2), -jnp.inf)
        # PyTorch's order of the sum: the state itself, one before, two before.
        alpha = _log_add(alpha, _shift(alpha, 1), skip) + emission
        return alpha, alpha

    _, rest = jax.lax.scan(step, start, emissions[1:])
    return jnp.concatenate([start[None], rest])


def _suffixes(
    emissions: jax.Array, may_skip: jax.Array, frames: jax.Array, symbols: jax.Array
) -> jax.Array:
    """log p of all ends of alignments, (time, batch, state)."""
    state = jnp.arange(emissions.shape[2])
    ends = (state == 2 * symbols[:, None]) | (state == 2 * symbols[:, None] - 1)
    last = frames[:, None] - 1

    def step(beta: jax.Array, now: Any) -> tuple[jax.Array, jax.Array]:
        time, emission = now
        skip = _shift(jnp.where(may_skip, beta, -jnp.inf), -2)
        beta = _log_add(beta, _shift(beta, -1), skip) + emission
        # Sequences end at times of their own: each begins anew at its last step in use.
        beta = jnp.where(time == last, jnp.where(ends, emission, -jnp.inf), beta)
        beta = jnp.where(time > last, -jnp.inf, beta)
        return beta, beta

    times = jnp.arange(len(emissions))
    never = jnp.full_like(emissions[0], -jnp.inf)
    return jax.lax.scan(step, never, (times, emissions), reverse=True)[1]


def _shift(values: jax.Array, by: int) -> jax.Array:
    """Each state's value moved on by some states, -∞ where none arrives."""
    pad = (by, 0) if by > 0 else (0, -by)
    padded = jnp.pad(values, ((0, 0), pad), constant_values=-jnp.inf)
    width = values.shape[1]
    return padded[:, :width] if by > 0 else padded[:, -width:]


def _log_add(*logs: jax.Array) -> jax.Array:
    top = jnp.maximum(jnp.maximum(logs[0], logs[1]), logs[2])
    # -∞ less -∞ would be NaN: PyTorch's kernel takes 0 for such a maximum.
    top = jnp.where(jnp.isneginf(top), 0, top)
    first, second, third = (jnp.exp(log - top) for log in logs)
    return jnp.log(first + second + third) + top
