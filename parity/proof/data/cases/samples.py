"""Data sets made of others, and batches made of samples."""

from collections import OrderedDict, namedtuple

import numpy as np

from parity.proof.data.cases.case import CollateCase, DatasetCase, Values
from parity.proof.data.datasets import (
    Concat,
    Numbers,
    Pairs,
    Split,
    SubsetOf,
    Tensors,
)

TEN, ODD = Numbers(10), Numbers(11)

# fmt: off
DATASETS: tuple[DatasetCase, ...] = (
    *(
        DatasetCase(Split(ODD, lengths, part, generator))
        for lengths, parts in (((5, 6), 2), ((1, 0, 10), 3), ((11,), 1), ((0.5, 0.5),
                                                                          2),
                               ((0.3, 0.3, 0.4), 3), ((1.0,), 1),
                               ((0.34, 0.33, 0.33), 3), ((0.25, 0.25, 0.25, 0.25), 4))
        for part in range(parts)
        for generator in (1, None)
    ),
    DatasetCase(Split(Numbers(2), (0.1, 0.9), 0)),
    DatasetCase(Split(Numbers(2), (0.01, 0.01, 0.98), 2), warns=True),
    DatasetCase(Split(Split(TEN, (0.8, 0.2), 0), (0.5, 0.5), 1, 9)),
    DatasetCase(Split(ODD, (0.1, 0.2, 0.3)), raises="ValueError"),
    DatasetCase(Split(ODD, (5, 5)), raises="ValueError"),
    DatasetCase(Split(ODD, (1.5, -0.5)), raises="ValueError"),
    DatasetCase(SubsetOf(TEN, (7, 0, 7, -1))),
    DatasetCase(SubsetOf(TEN, (7, 0, 5)), (0, -1, 2)),
    DatasetCase(SubsetOf(TEN, ())),
    DatasetCase(SubsetOf(TEN, (7, 0)), (2,), raises="IndexError"),
    DatasetCase(SubsetOf(TEN, (12,)), (0,), raises="IndexError"),
    DatasetCase(SubsetOf(SubsetOf(TEN, (9, 8, 7, 6)), (3, 1)), (0, 1)),
    DatasetCase(SubsetOf(Pairs(5), (4, 2)), (1, 0)),
    DatasetCase(Concat((Numbers(3), Numbers(2), Pairs(2)))),
    DatasetCase(Concat((Numbers(3), Numbers(4))), (-1, -4, -5, -7, 0, 2, 3, 6)),
    DatasetCase(Concat((Numbers(3), Numbers(0), Numbers(2))), (2, 3, -2, -3)),
    DatasetCase(Concat((Numbers(3), Numbers(4))), (-8,), raises="ValueError"),
    DatasetCase(Concat((Numbers(3), Numbers(4))), (7,), raises="IndexError"),
    DatasetCase(Concat((Concat((Numbers(2), Numbers(1))), SubsetOf(TEN, (9,))))),
    DatasetCase(Concat((Numbers(1),)), (0, -1)),
    DatasetCase(Concat(()), raises="AssertionError"),
    DatasetCase(Tensors(((5, 2), (5,)))),
    DatasetCase(Tensors(((5, 2), (5,))), (-1, slice(1, 4), slice(None, None, 2), 0)),
    DatasetCase(Tensors(((5,),)), (3,)),
    DatasetCase(Tensors(((0, 2), (0,)))),
    DatasetCase(Tensors(((5, 2), (5,))), (5,), raises="IndexError"),
    DatasetCase(Tensors(((5, 2), (4,))), raises="AssertionError"),
    DatasetCase(SubsetOf(Tensors(((5, 2), (5,))), (4, 0))),
)
# fmt: on

Point = namedtuple("Point", ["x", "y"])

# fmt: off
COLLATE: tuple[CollateCase, ...] = (
    CollateCase((1, 2, 3)),
    CollateCase((0.5, 1.5), note="float64, whatever the default dtype"),
    CollateCase((True, False)),
    CollateCase((1, 2.5), note="an int comes first: the default dtype"),
    CollateCase((2.5, 1), note="a float comes first: float64"),
    CollateCase(("a", "bc")),
    CollateCase((b"a", b"bc")),
    CollateCase((Values([1.0, 2.0]), Values([3.0, 4.0]))),
    CollateCase((Values(1.0), Values(2.0))),
    CollateCase((Values([1, 2], "int64"), Values([3, 4], "int64"))),
    CollateCase((Values([True], "bool"), Values([False], "bool"))),
    CollateCase((Values(np.zeros((0, 2))), Values(np.zeros((0, 2))))),
    CollateCase((np.arange(3.0), np.arange(3.0) + 1)),
    CollateCase((np.ones(2, np.float32), np.zeros(2, np.float32))),
    CollateCase((np.ones(2, np.uint8), np.zeros(2, np.uint8))),
    CollateCase((np.array(1.0), np.array(2.0))),
    CollateCase((np.float32(1), np.float32(2))),
    CollateCase((np.int16(1), np.int16(2))),
    CollateCase((np.bool_(True), np.bool_(False))),
    CollateCase(((1, 0.5), (2, 1.5)), note="tuples become a list"),
    CollateCase(([1, 2, 3], [4, 5, 6])),
    CollateCase((((1, "a"), [2.0]), ((3, "b"), [4.0]))),
    CollateCase(({"a": 1, "b": 0.5}, {"a": 2, "b": 1.5})),
    CollateCase(({"b": 1, "a": 0.5}, {"a": 2, "b": 1.5}), note="order of the first"),
    CollateCase(({"a": 1, "b": 2}, {"a": 3, "b": 4, "c": 5}), note="c is lost"),
    CollateCase(({"a": {"b": (1, "x")}}, {"a": {"b": (2, "y")}})),
    CollateCase((OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)), note="stays ordered"),
    CollateCase((Point(1, 2.0), Point(3, 4.0)), note="stays a Point"),
    CollateCase((Point((1, 2), {"k": 1}), Point((3, 4), {"k": 2}))),
    CollateCase(({"p": Point(1, "a")}, {"p": Point(2, "b")})),
    CollateCase(([], []), note="empty lists"),
    CollateCase(((), ())),
    CollateCase(({}, {})),
    CollateCase((7,), note="a batch of one"),
    CollateCase((("a", "b"), ("c", "d"))),
    CollateCase((range(3), range(3)), note="a sequence that takes no list"),
    CollateCase((-(2**40), 2**40)),
    CollateCase((None, None), raises="TypeError"),
    CollateCase(((1, None), (2, None)), raises="TypeError"),
    CollateCase(({1, 2}, {3, 4}), raises="TypeError"),
    CollateCase((1j, 2j), raises="TypeError"),
    CollateCase((np.array(["a"]), np.array(["b"])), raises="TypeError"),
    CollateCase(([1, 2], [3]), raises="RuntimeError"),
    CollateCase(({"a": 1, "b": 2}, {"a": 3}), raises="KeyError"),
    CollateCase((Values([1.0]), Values([1.0, 2.0])), raises="RuntimeError"),
    CollateCase((np.arange(2), np.arange(3)), raises="RuntimeError"),
)
# fmt: on
