"""Samplers, data sets, batches, loaders and draws, as plain data."""

from parity.proof.data.cases.case import (
    CollateCase,
    DatasetCase,
    DrawCase,
    LoaderCase,
    SamplerCase,
    Values,
)
from parity.proof.data.cases.draws import DRAWS
from parity.proof.data.cases.loaders import LOADERS
from parity.proof.data.cases.samplers import SAMPLERS
from parity.proof.data.cases.samples import COLLATE, DATASETS

__all__ = [
    "COLLATE",
    "DATASETS",
    "DRAWS",
    "LOADERS",
    "SAMPLERS",
    "CollateCase",
    "DatasetCase",
    "DrawCase",
    "LoaderCase",
    "SamplerCase",
    "Values",
]
