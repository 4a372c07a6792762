"""Groups of parameters, each with hyper-parameters of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import optax

FROZEN = "frozen"

TUNABLE = ("lr", "momentum", "betas")
"""What `update` may be given a value of for each group."""

Predicate = Callable[[str], bool]


def param_groups(
    optimizer: Callable[..., optax.GradientTransformationExtraArgs],
    groups: Sequence[Mapping[str, Any]],
    **defaults: Any,
) -> optax.GradientTransformationExtraArgs:
    """Several groups of parameters, each with hyper-parameters of its own.

    Args:
        optimizer: one of `jaxtrain.optim`, such as `sgd`.
        groups: PyTorch's list of dictionaries, except that `"params"` is a predicate on
            a parameter's dotted name (`"linear_relu_stack.0.weight"`). The other
            entries are arguments of the optimiser; `{"params": …, "frozen": True}` has
            parameters stand still, without decay or momentum, as PyTorch's do where
            `grad is None`.
        defaults: arguments of the groups that do not say otherwise.

    Returns:
        A transformation. `update(…, lr=[…])`, and so `momentum` and `betas`, takes a
        list with one value for each group in order, or one value for all. Of another
        argument that is a tree like the parameters, such as `touched` of `sparse_adam`,
        each group gets its own part.

    Raises:
        ValueError: a parameter belongs to no group, or to several; the optimiser is
            `lbfgs`, which has one step length for all; or `update` is given a list of
            another length than there are groups.

    PyTorch: the `params` argument of `torch.optim.Optimizer`.

    Example:
        >>> from jaxtrain import optim
        >>> tx = optim.param_groups(
        ...     optim.sgd,
        ...     [
        ...         {"params": lambda name: name.endswith("bias"), "lr": 0.5},
        ...         {"params": lambda name: name.endswith("weight")},
        ...     ],
        ...     lr=0.1,
        ... )
        >>> params = {"bias": 1.0, "weight": 1.0}
        >>> grads = jax.tree.map(jax.numpy.asarray, params)
        >>> tx.update(grads, tx.init(grads))[0]
        {'bias': Array(-0.5, dtype=float32), 'weight': Array(-0.1, dtype=float32)}
    """
    if optimizer.__name__ == "lbfgs":
        raise ValueError("lbfgs takes no groups: it has one step length for all")
    predicates: list[Predicate] = [group["params"] for group in groups]
    members = {
        _label(i, group): _member(optimizer, i, len(groups), {**defaults, **group})
        for i, group in enumerate(groups)
    }
    labels = [_label(i, group) for i, group in enumerate(groups)]

    def label(path: Any, leaf: Any) -> str:
        del leaf
        name = parameter_name(path)
        matches = [i for i, predicate in enumerate(predicates) if predicate(name)]
        if len(matches) != 1:
            those = f"groups {matches}" if matches else "no group"
            raise ValueError(f"parameter {name!r} belongs to {those}; it must be one")
        return labels[matches[0]]

    return optax.partition(members, lambda tree: jax.tree.map_with_path(label, tree))


def parameter_name(path: tuple[Any, ...]) -> str:
    """The dotted name of a leaf of a tree, or of an `nnx.State`.

    Example:
        >>> [(path, _)] = jax.tree_util.tree_leaves_with_path({"a": [1.0]})
        >>> parameter_name(path)
        'a.0'
    """
    # The leaf of an nnx.State lies one step below its name, in the variable's `value`.
    if path and isinstance(path[-1], jax.tree_util.GetAttrKey):
        path = path[:-1]
    return jax.tree_util.keystr(path, simple=True, separator=".")


def parameter_names(tree: Any) -> list[str]:
    """The dotted names of all leaves of a tree.

    Example:
        >>> parameter_names({"a": [1.0, 2.0]})
        ['a.0', 'a.1']
    """
    paths = jax.tree_util.tree_leaves_with_path(tree)
    return [parameter_name(path) for path, _ in paths]


def carry_over(
    state: optax.PartitionState,
    optimizer: optax.GradientTransformationExtraArgs,
    params: optax.Params,
) -> optax.PartitionState:
    """The state of an optimiser with more groups, after that of one with fewer.

    The groups that both have, in the same order, keep what they had; the new ones
    start afresh, as in PyTorch.

    Args:
        state: of the optimiser with fewer groups.
        optimizer: the one with more, made by `param_groups`.
        params: of the model.

    PyTorch: `torch.optim.Optimizer.add_param_group`.
    """
    fresh = optimizer.init(params)
    live = {name: s for name, s in state.inner_states.items() if FROZEN not in name}
    return optax.PartitionState({**fresh.inner_states, **live})


def _label(index: int, group: Mapping[str, Any]) -> str:
    return f"{index} {FROZEN}" if group.get(FROZEN) else str(index)


def _member(
    optimizer: Callable[..., optax.GradientTransformationExtraArgs],
    index: int,
    count: int,
    arguments: dict[str, Any],
) -> optax.GradientTransformationExtraArgs:
    if arguments.pop(FROZEN, False):
        return optax.with_extra_args_support(optax.set_to_zero())
    del arguments["params"]
    tx = optimizer(**arguments)

    def update(
        updates: optax.Updates, state: Any, params: Any = None, **extra: Any
    ) -> tuple[optax.Updates, Any]:
        own = {
            name: _value_of_group(name, value, index, count)
            if name in TUNABLE
            else _part_like(updates, value)
            for name, value in extra.items()
        }
        return tx.update(updates, state, params, **own)

    return optax.GradientTransformationExtraArgs(tx.init, update)


def _value_of_group(name: str, value: Any, index: int, count: int) -> Any:
    if not isinstance(value, list):
        return value
    if len(value) != count:
        raise ValueError(f"{name} has {len(value)} values for {count} groups: {value}")
    return value[index]


def _part_like(updates: optax.Updates, value: Any) -> Any:
    """The part of a tree at the leaves that a group has, if it is a tree like all."""

    def absent(leaf: Any) -> bool:
        return isinstance(leaf, optax.MaskedNode)

    # `Any`: the type that JAX declares for the structure compares with nothing.
    everything: Any = jax.tree.structure(updates, is_leaf=absent)
    if jax.tree.structure(value) != everything:
        return value
    return jax.tree.map(
        lambda u, v: u if absent(u) else v, updates, value, is_leaf=absent
    )
