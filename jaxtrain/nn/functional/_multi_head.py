"""Attention in several heads, from inputs to outputs."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxtrain.nn.functional import _attention as attention
from jaxtrain.nn.functional._attention import causal_bias, mask_bias
from jaxtrain.nn.functional._dropout import dropout
from jaxtrain.nn.functional._linear import linear
from jaxtrain.nn.shapes import check_ndim, misfit

Weights = list[jax.Array]


def multi_head_attention_forward(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: jax.Array | None,
    in_proj_bias: jax.Array | None,
    bias_k: jax.Array | None,
    bias_v: jax.Array | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: jax.Array,
    out_proj_bias: jax.Array | None,
    training: bool = True,
    key_padding_mask: jax.Array | None = None,
    need_weights: bool = True,
    attn_mask: jax.Array | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: jax.Array | None = None,
    k_proj_weight: jax.Array | None = None,
    v_proj_weight: jax.Array | None = None,
    static_k: jax.Array | None = None,
    static_v: jax.Array | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[jax.Array, jax.Array | None]:
    """softmax(q kᵀ / sqrt(d) + mask) v in each of the heads; see `MultiheadAttention`.

    Args:
        query: (L, N, E), or (L, E) without a batch.
        key: (S, N, …).
        value: (S, N, …).
        embed_dim_to_check: E.
        num_heads: number of heads; d = E / num_heads.
        in_proj_weight: of q, k and v one below the other, (3 E, E).
        in_proj_bias: (3 E,).
        bias_k: a key behind the given ones, (1, 1, E).
        bias_v: its value.
        add_zero_attn: whether a pair of zeros follows.
        dropout_p: probability of zeroing an attention weight in training.
        out_proj_weight: (E, E).
        out_proj_bias: (E,).
        training: whether there is dropout.
        key_padding_mask: (N, S), true for keys to leave out, or numbers to add.
        need_weights: whether weights are returned, (N, L, S).
        attn_mask: (L, S) or (N · num_heads, L, S), true for pairs to leave out, or
            numbers to add.
        use_separate_proj_weight: whether the three that follow take the place of
            `in_proj_weight`.
        q_proj_weight: (E, E).
        k_proj_weight: (E, size of keys).
        v_proj_weight: (E, size of values).
        static_k: keys of the heads, (N · num_heads, S, d), in the place of computed
            ones.
        static_v: values likewise.
        average_attn_weights: whether weights are averaged over heads, else they are
            (N, num_heads, L, S).
        is_causal: says that `attn_mask` is the causal mask, which must be given.

    Raises:
        ValueError: inputs, masks or weights that do not fit.

    PyTorch: `torch.nn.functional.multi_head_attention_forward`.

    Example:
        >>> x, w = jnp.ones((7, 2, 8)), jnp.ones((24, 8))
        >>> none = (None, None, None, False, 0.0)
        >>> output, weights = multi_head_attention_forward(
        ...     x, x, x, 8, 4, w, *none, jnp.eye(8), None
        ... )
        >>> output.shape, weights.shape
        ((7, 2, 8), (2, 7, 7))
    """
    if is_causal and attn_mask is None:
        raise ValueError(f"{is_causal=} is a hint: attn_mask must be given too")
    if use_separate_proj_weight:
        given = [q_proj_weight, k_proj_weight, v_proj_weight]
    else:
        # (3 E, E): q's rows, then k's, then v's.
        given = [] if in_proj_weight is None else [*jnp.split(in_proj_weight, 3)]
    maps = [x for x in given if x is not None]
    if len(maps) < 3:
        raise ValueError("in_proj_weight, or all three of the separate, must be given")
    name = f"MultiheadAttention({embed_dim_to_check}, {num_heads})"
    batched = _check(name, query, key, value, [x.shape[1] for x in maps])
    if not batched:
        query, key, value = (x[:, None] for x in (query, key, value))
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask[None]
    q, k, v = _project((query, key, value), maps, in_proj_bias)
    q, k, v = (
        _split(x, num_heads) for x in (q, _append(k, bias_k), _append(v, bias_v))
    )
    k, v = _static(k, static_k), _static(v, static_v)
    if add_zero_attn:
        k, v = (jnp.pad(x, ((0, 0), (0, 1), (0, 0))) for x in (k, v))
    length, batch, size = query.shape
    if is_causal and key_padding_mask is None and not need_weights:
        # The hint is taken at its word, whatever the mask holds.
        mask: jax.Array | None = causal_bias(length, k.shape[1], q.dtype)[None]
    else:
        keys = key.shape[0] if static_k is None else static_k.shape[1]
        shape = (length, batch, num_heads, keys)
        mask = _mask(attn_mask, key_padding_mask, q, shape, k.shape[1])
    weights = attention.attention_weights(q, k, mask, None, safe=not need_weights)
    # PyTorch returns the weights as they are after dropout.
    weights = dropout(weights, dropout_p, training)
    # (N · num_heads, L, d) -> (L, N, E).
    context = (weights @ v).swapaxes(0, 1).reshape(length, batch, size)
    output = linear(context, out_proj_weight, out_proj_bias)
    output = output if batched else output[:, 0]
    if not need_weights:
        return output, None
    # (N, num_heads, L, S): the heads of one example lie side by side.
    by_head = weights.reshape(batch, num_heads, length, k.shape[1])
    found = by_head.mean(1) if average_attn_weights else by_head
    return output, found if batched else found[0]


def _check(
    name: str, query: jax.Array, key: jax.Array, value: jax.Array, sizes: list[int]
) -> bool:
    """Whether there is a batch."""
    for x, size in zip((query, key, value), sizes, strict=True):
        check_ndim(name, x, (2, 3))
        if x.shape[-1] != size or x.ndim != query.ndim:
            raise misfit(name, x, f"it must have {query.ndim} dimensions to {size}")
    if key.shape[:-1] != value.shape[:-1]:
        raise misfit(name, value, f"keys are {key.shape}")
    return query.ndim == 3


def _project(
    inputs: tuple[jax.Array, ...], maps: Weights, bias: jax.Array | None
) -> list[jax.Array]:
    """q, k and v, (L or S, N, E)."""
    products = [x @ w.T for x, w in zip(inputs, maps, strict=True)]
    if bias is None:
        return products
    return [x + b for x, b in zip(products, jnp.split(bias, 3), strict=True)]


def _append(x: jax.Array, bias: jax.Array | None) -> jax.Array:
    """One more key or value after the given ones."""
    if bias is None:
        return x
    return jnp.concatenate([x, jnp.broadcast_to(bias, (1, *x.shape[1:]))])


def _split(x: jax.Array, num_heads: int) -> jax.Array:
    size = x.shape[-1] // num_heads
    return x.reshape(len(x), x.shape[1] * num_heads, size).swapaxes(0, 1)


def _static(x: jax.Array, given: jax.Array | None) -> jax.Array:
    if given is None:
        return x
    if given.shape[::2] != x.shape[::2] or given.ndim != 3:
        need = f"it must be ({x.shape[0]}, S, {x.shape[2]})"
        raise misfit("multi_head_attention_forward", given, need)
    return jnp.asarray(given)


def _mask(
    attn_mask: jax.Array | None,
    key_padding_mask: jax.Array | None,
    q: jax.Array,
    shape: tuple[int, int, int, int],
    columns: int,
) -> jax.Array | None:
    """What is added to the scores, (1 or N · num_heads, L or 1, columns)."""
    length, batch, num_heads, keys = shape
    heads = batch * num_heads
    masks = []
    if attn_mask is not None:
        choices = ((length, keys), (heads, length, keys))
        _check_mask("attn_mask", attn_mask, choices)
        masks.append(attn_mask if attn_mask.ndim == 3 else attn_mask[None])
    if key_padding_mask is not None:
        _check_mask("key_padding_mask", key_padding_mask, ((batch, keys),))
        # Once for each head of an example, as they lie side by side.
        masks.append(jnp.repeat(key_padding_mask, num_heads, 0)[:, None])
    if not masks:
        return None
    total = sum(mask_bias(mask, q.dtype, blocks=True) for mask in masks)
    # The pairs that were added are open to every query.
    return jnp.pad(total, ((0, 0), (0, 0), (0, columns - keys)))


def _check_mask(
    name: str, mask: jax.Array, choices: tuple[tuple[int, ...], ...]
) -> None:
    if mask.shape not in choices:
        shapes = " or ".join(map(str, choices))
        raise ValueError(f"{name} has shape {mask.shape}: it must be {shapes}")
