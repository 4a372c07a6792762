"""`Generator`: the draws of a `torch.Generator` on the CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from jaxtrain.rng import _categories, _integers, _normal, _state
from jaxtrain.rng._integers import pieces
from jaxtrain.rng._normal import multiply_add32, multiply_add64
from jaxtrain.rng._state import Shape

_DEFAULT_SEED = 67280421310721  # c10::detail::default_rng_seed_val
# As many bits as the dtype has digits: ATen/core/TransformationHelper.h.
_LOW_24_BITS = np.uint32(2**24 - 1)
_LOW_53_BITS = np.uint64(2**53 - 1)


class Generator:
    """A stream of random numbers, equal to that of `torch.Generator(device="cpu")`.

    The engine is MT19937. A 32-bit word is one draw of it, a 64-bit word two, the
    first one high. Shapes are integers or sequences of them; arrays come in C order.

    Args:
        seed: -2**63 ... 2**64 - 1; a negative one counts from 2**64, as in PyTorch.
            Only its low 32 bits decide the numbers.

    Raises:
        TypeError: the seed is no integer.
        ValueError: the seed is outside that range.

    PyTorch: `torch.Generator`.

    Example:
        >>> Generator(-1).initial_seed()
        18446744073709551615
    """

    def __init__(self, seed: int = _DEFAULT_SEED) -> None:
        # The legacy class seeds by `init_genrand`, as
        # PyTorch does; newer ones stir the seed.
        self._twister = np.random.RandomState(0)
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Begin the stream of `seed`, and return the generator.

        Raises:
            TypeError: the seed is no integer.
            ValueError: the seed is not within -2**63 ... 2**64 - 1.

        PyTorch: `torch.Generator.manual_seed`.

        Example:
            >>> Generator().manual_seed(7).randperm(5)
            array([0, 1, 3, 2, 4])
        """
        self._seed = _state.seed(seed)
        # RandomState's streams are frozen by NumPy's compatibility policy (NEP 19).
        self._twister.seed(self._seed % 2**32)
        # PyTorch's bytes tell a stream not begun from one whose words are used up.
        self._in_use = False
        self._cached_normal: float | None = None
        self._cached_float_normal: float | None = None
        return self

    def initial_seed(self) -> int:
        """The seed that the stream began with, an integer of 64 bits without sign.

        PyTorch: `torch.Generator.initial_seed`.

        Example:
            >>> Generator().initial_seed()
            67280421310721
        """
        return self._seed

    def get_state(self) -> NDArray[np.uint8]:
        """The whole state as PyTorch's bytes, uint8 (5056,).

        `torch_generator.set_state(torch.from_numpy(state))` goes on from there.

        PyTorch: `torch.Generator.get_state`.

        Example:
            >>> Generator(1).get_state()[:8]
            array([1, 0, 0, 0, 0, 0, 0, 0], dtype=uint8)
        """
        twister = self._twister.get_state(legacy=False)["state"]
        return _state.pack(
            _state.State(
                self._seed,
                int(twister["pos"]) if self._in_use else 0,
                twister["key"],
                self._cached_normal,
                self._cached_float_normal,
            )
        )

    def set_state(self, state: ArrayLike) -> Generator:
        """Go on where the generator stood that gave `state`, and return this one.

        Args:
            state: 5,056 bytes of `get_state`, ours or PyTorch's, as uint8: an array, a
                tensor on the CPU, a `bytearray`.

        Raises:
            TypeError: not uint8.
            ValueError: of another length, or no state a generator can come into.

        PyTorch: `torch.Generator.set_state`.

        Example:
            >>> Generator(0).set_state(Generator(1).get_state()).initial_seed()
            1
        """
        seed, place, words, normal, float_normal = _state.unpack(state)
        self._seed = seed
        # To NumPy a twist is due where the last word is
        # behind it, after seeding as well.
        twister = {"key": words, "pos": place or _state.WORDS}
        self._twister.set_state({"bit_generator": "MT19937", "state": twister})
        self._in_use = place > 0
        self._cached_normal = normal
        self._cached_float_normal = float_normal
        return self

    def clone(self) -> Generator:
        """A second generator in the same state.

        PyTorch: `torch.Generator.clone_state`.

        Example:
            >>> first = Generator(3)
            >>> bool(first.clone().uniform() == first.uniform())
            True
        """
        return Generator().set_state(self.get_state())

    def uniform(
        self,
        shape: Shape = (),
        low: float = 0.0,
        high: float = 1.0,
        dtype: DTypeLike = np.float32,
    ) -> NDArray[Any]:
        """Uniform numbers, x * (high - low) + low with x = k / 2**24 (or 2**53).

        k is the low 24 bits of a 32-bit word for float32, the low 53 of a 64-bit word
        for float64. The sum is rounded once, and where it rounds to `high` the value is
        `low`. Under `ATEN_CPU_CAPABILITY=default` PyTorch rounds twice: of values in
        (-0.03, 0.03) 46 % are equal then, the others at most an ulp of 0.03 away.

        Args:
            shape: of the result.
            low, high: the bounds, low <= high.
            dtype: float32 or float64.

        Raises:
            TypeError: another dtype.
            ValueError: low > high, or the bounds or their distance leave the dtype.

        PyTorch: `torch.Tensor.uniform_`, `torch.rand`.

        Example:
            >>> Generator(0).uniform((2, 2), -1, 1)
            array([[-0.00748682,  0.5364436 ],
                   [-0.82304513, -0.735939  ]], dtype=float32)
        """
        dtype = _state.float_dtype(dtype)
        low, high = _state.real("low", low), _state.real("high", high)
        _state.interval(low, high, dtype)
        shape = _state.shape(shape)
        return self._uniforms(math.prod(shape), low, high, dtype).reshape(shape)

    def normal(
        self,
        shape: Shape = (),
        mean: float = 0.0,
        std: float = 1.0,
        dtype: DTypeLike = np.float32,
    ) -> NDArray[Any]:
        """Normal numbers by Box and Muller: sqrt(-2 ln u) cos 2πv, then with sin 2πv.

        Below 16 values, pairs are computed in float64 and an unused second half waits
        for the next such draw. From 16 on values come in blocks of 16, drawn in
        `dtype`; if the last block is not full, the last 16 values are drawn anew.

        Measured against PyTorch 2.13 and 2.15, 8,388,608 float32 values from 16 on:

        - AVX2, which AVX-512 machines run too: all equal, bit for bit.
        - `ATEN_CPU_CAPABILITY=default`, the C library's functions: for mean 0 and std 1
          62 % equal, 99 % within 67 ulp, and none further than 2.4e-6, 20 ulp of 1. (In
          ulps of their own, values near 0 may be 3e6 away: it is the angle that
          differs.)

        Float64 values, and those of fewer than 16, are equal on both paths, but that
        `default` rounds fewer than 16 float64 values with a mean other than 0 twice.

        Args:
            shape: of the result.
            mean: of the distribution.
            std: standard deviation, >= 0.
            dtype: float32 or float64.

        Raises:
            TypeError: another dtype.
            ValueError: std < 0.

        PyTorch: `torch.Tensor.normal_`, `torch.randn`.

        Example:
            >>> Generator(0).normal(3)
            array([ 1.5409961, -0.2934289, -2.1787894], dtype=float32)
        """
        dtype, shape = _state.float_dtype(dtype), _state.shape(shape)
        mean, std = _state.real("mean", mean), _state.real("std", std)
        if not std >= 0:
            raise ValueError(f"normal needs std >= 0, got std={std}")
        # A mean or spread beyond float32 becomes infinite, as PyTorch's cast makes it.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._normals(math.prod(shape), mean, std, dtype).reshape(shape)

    def randperm(self, n: int) -> NDArray[np.int64]:
        """The integers 0 ... n - 1 in random order, int64 (n,).

        Fisher and Yates's shuffle: place i is swapped with i + word % (n - i). From
        n = 214,748,364 on PyTorch takes 64-bit words and the inside-out shuffle.

        Raises:
            TypeError: n is no integer.
            ValueError: n < 0.

        PyTorch: `torch.randperm`.

        Example:
            >>> Generator(0).randperm(5)
            array([4, 0, 1, 3, 2])
        """
        size = _state.integer("n", n)
        if size < 0:
            raise ValueError(f"randperm needs n >= 0, got n={size}")
        if size < _integers.INSIDE_OUT_FROM:
            return _integers.swap_places(size, self._words32)
        return _integers.inside_out(size, self._words64)

    def random_(
        self,
        shape: Shape = (),
        low: int | None = None,
        high: int | None = None,
        dtype: DTypeLike = np.int64,
    ) -> NDArray[Any]:
        """Integers from [low, high), word % (high - low) + low.

        PyTorch's three forms: without bounds, 0 up to the dtype's largest value (2**24
        or 2**53 for floats); with `high`, from 0; with `low` alone, from there up to
        the dtype's largest value. Words have 64 bits where the range has 2**28 values
        or more, or, without bounds, where the dtype has 64 bits.

        Args:
            shape: of the result.
            low: the smallest value.
            high: one above the largest value.
            dtype: bool, uint8, int8, int16, int32, int64, float32 or float64.

        Raises:
            TypeError: another dtype, or a bound that is no integer.
            ValueError: an empty range, or one that leaves the dtype.

        PyTorch: `torch.Tensor.random_`, `torch.randint`.

        Example:
            >>> Generator(0).random_(4, 10, 20)
            array([14, 19, 13, 10])
        """
        kind = np.dtype(dtype)
        if kind not in _integers.DTYPES:
            raise TypeError(f"random_ draws no {kind}")
        if low is None and high is None:
            draw = _integers.full_range(kind)
        else:
            first = 0 if low is None else _state.integer("low", low)
            end = None if high is None else _state.integer("high", high)
            draw = _integers.between(first, end, kind)
        shape = _state.shape(shape)
        words = (self._words64 if draw.wide else self._words32)(math.prod(shape))
        return _integers.integers(words, draw, kind).reshape(shape)

    def bernoulli(
        self, shape: Shape = (), p: float = 0.5, dtype: DTypeLike = bool
    ) -> NDArray[Any]:
        """Ones with probability p: k / 2**53 < p, k the low 53 bits of a 64-bit word.

        `F.dropout(x, q)` keeps where `bernoulli(x.shape, 1 - q)` is one.

        The masks do not depend on the processor's vendor: the Linux builds of PyTorch
        2.13 and 2.15 hold this code alone. Older ones drew from MKL on Intel's
        processors, which was disabled (github.com/pytorch/pytorch/issues/132395).

        Args:
            shape: of the result.
            p: probability of a one; a number, since tensors of them are drawn in
                float32 by other words.
            dtype: of the zeros and ones.

        Raises:
            ValueError: p is not within [0, 1].

        PyTorch: `torch.Tensor.bernoulli_`.

        Example:
            >>> Generator(0).bernoulli(6, 0.8)
            array([False,  True,  True, False,  True,  True])
        """
        kind, probability = np.dtype(dtype), _state.real("p", p)
        if not 0 <= probability <= 1:
            raise ValueError(f"bernoulli needs p within [0, 1], got p={probability}")
        shape = _state.shape(shape)
        words = self._words64(math.prod(shape))
        words &= _LOW_53_BITS
        # k / 2**53 < p for whole k, without turning each k into a float.
        ones = words < np.uint64(math.ceil(math.ldexp(probability, 53)))
        return ones.astype(kind, copy=False).reshape(shape)

    def randint(
        self, low: int, high: int, shape: Shape = (), dtype: DTypeLike = np.int64
    ) -> NDArray[Any]:
        """Integers from [low, high): `random_`, in the order of PyTorch's arguments.

        Args:
            low: the smallest value.
            high: one above the largest value.
            shape: of the result.
            dtype: as of `random_`.

        Raises:
            TypeError: another dtype, or a bound that is no integer.
            ValueError: an empty range, or one that leaves the dtype.

        PyTorch: `torch.randint`.

        Example:
            >>> Generator(0).randint(10, 20, 4)
            array([14, 19, 13, 10])
        """
        return self.random_(shape, low, high, dtype)

    def exponential(
        self, shape: Shape = (), lambd: float = 1.0, dtype: DTypeLike = np.float32
    ) -> NDArray[Any]:
        """Exponential numbers, -log(1 - u) / λ, u uniform with 53 bits.

        Computed in float64 by the C library, whatever the dtype, and rounded once.

        Args:
            shape: of the result.
            lambd: λ, the rate, > 0.
            dtype: float32 or float64.

        Raises:
            TypeError: another dtype.
            ValueError: λ is not above 0.

        PyTorch: `torch.Tensor.exponential_`, as 2.14 draws it; builds of long ago drew
        other numbers, by MKL.

        Example:
            >>> Generator(3).exponential(2)
            array([0.03470346, 0.33790958], dtype=float32)
        """
        kind, rate = _state.float_dtype(dtype), _state.real("lambd", lambd)
        if not rate > 0:
            raise ValueError(f"exponential needs lambd > 0, got lambd={lambd}")
        shape = _state.shape(shape)
        uniform = self._uniforms(math.prod(shape), 0.0, 1.0, np.dtype(np.float64))
        return _categories.exponentials(uniform, rate).astype(kind).reshape(shape)

    def multinomial(
        self, weights: ArrayLike, num_samples: int, replacement: bool = False
    ) -> NDArray[np.int64]:
        """Categories drawn by their weights.

        Without replacement, and for one sample: those of the largest w / e, e
        exponential numbers of the weights' dtype, the largest first. With it: uniform
        numbers of 53 bits looked up in the running sum of the weights.

        Equal to PyTorch's but where two values of w / e are the same: once more
        samples are drawn than there are weights above 0, which of the zeros come, and
        in which order, is the choice of its sorting, and here that of their places.

        Args:
            weights: float32 or float64, (n,) or (rows, n), not negative; they need
                not sum to 1.
            num_samples: how many to draw of each row; without replacement at most n.
            replacement: whether a category may be drawn again.

        Returns:
            int64 array, (num_samples,) or (rows, num_samples).

        Raises:
            TypeError: weights of another dtype, or `num_samples` is no integer.
            ValueError: weights that are negative, not finite or all 0; `num_samples`
                below 1, or above n without replacement.

        PyTorch: `torch.multinomial`.

        Example:
            >>> Generator(0).multinomial([0.1, 0.0, 0.9], 2)
            array([2, 0])
        """
        array = _categories.weights(weights)
        count = _state.integer("num_samples", num_samples)
        size = array.shape[-1]
        if count < 1 or (count > size and not replacement):
            raise ValueError(
                f"multinomial draws 1 … {size} of {size} categories without "
                f"replacement, and 1 or more with it, got num_samples={count}"
            )
        rows = array.reshape(-1, size)
        if replacement and count > 1:
            shape = len(rows), count
            places = _categories.searched(rows, self.uniform(shape, dtype=np.float64))
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                keys = rows / self.exponential(rows.shape, dtype=rows.dtype)
            places = _categories.largest(keys, count)
        return places.reshape(*array.shape[:-1], count)

    def _words32(self, count: int) -> NDArray[np.uint32]:
        self._in_use = self._in_use or count > 0
        # Over its whole range `randint` gives the engine's words as they are.
        return self._twister.randint(0, 2**32, size=count, dtype=np.uint32)

    def _words64(self, count: int) -> NDArray[np.uint64]:
        self._in_use = self._in_use or count > 0
        # Two words each, the first one high: PyTorch's `random64`.
        return self._twister.randint(0, 2**64, size=count, dtype=np.uint64)

    def _uniforms(
        self, count: int, low: float, high: float, dtype: np.dtype
    ) -> NDArray[Any]:
        draw = self._uniform32 if dtype == np.float32 else self._uniform64
        values = np.empty(count, dtype)
        for part in pieces(count):
            values[part] = draw(part.stop - part.start, low, high)
        return values

    def _uniform32(self, count: int, low: float, high: float) -> NDArray[np.float32]:
        # PyTorch's bounds are float32 before their
        # distance is taken, a rounding of its own.
        first, end = np.float32(low), np.float32(high)
        words = self._words32(count)
        words &= _LOW_24_BITS
        # Moving 2**-24 into the other factor changes no bit of the product.
        values = multiply_add32(words, np.ldexp(np.float64(end - first), -24), first)
        # ATen/native/cpu/DistributionTemplates.h: the
        # upper bound gives way to the lower.
        values[values == end] = first
        return values

    def _uniform64(self, count: int, low: float, high: float) -> NDArray[np.float64]:
        words = self._words64(count)
        words &= _LOW_53_BITS
        x = np.ldexp(words.astype(np.float64), -53)
        values = multiply_add64(x, high - low, low)
        values[values == high] = low
        return values

    def _normals(
        self, count: int, mean: float, std: float, dtype: np.dtype
    ) -> NDArray[Any]:
        if count < _normal.BLOCK:
            # `normal_distribution<double>` makes these, whatever the tensor's dtype.
            values = multiply_add64(self._standard_normals(count), std, mean)
            return values.astype(dtype)
        u = _normal.uniforms(lambda n: self._uniforms(n, 0.0, 1.0, dtype), count)
        kernel = _normal.normals32 if dtype == np.float32 else _normal.normals64
        return _normal.lay_out(kernel(u, mean, std), count)

    def _standard_normals(self, count: int) -> NDArray[np.float64]:
        """Float64 normals one by one, the cached half of a pair first."""
        if count == 0:
            return np.zeros(0)
        cache = [] if self._cached_normal is None else [self._cached_normal]
        missing = count - len(cache)
        pairs = self._uniform64(missing + missing % 2, 0.0, 1.0)
        values = np.concatenate([cache, _normal.normals_one_by_one(pairs)])
        self._cached_normal = float(values[-1]) if missing % 2 else None
        return values[:count]
