import numpy as np
import pytest
from trained_runs import Run

from jaxtrain.data import Dataset
from jaxtrain.data.synthetic import synthetic
from jaxtrain.run.config import (
    Config,
    DataConfig,
    FlowConfig,
    LoopConfig,
    ModelConfig,
    OptimizerConfig,
    RecordsConfig,
)
from jaxtrain.run.loop import run
from jaxtrain.store.events import Tested


@pytest.fixture(scope="session")
def garments() -> Dataset:
    return synthetic(train=2000, test=300)


@pytest.fixture(scope="session")
def trained_run(garments: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Normalised, with an average of the weights that differs from the last."""
    config = Config(
        data=DataConfig(source="synthetic", normalize=()),
        model=ModelConfig(hidden=(16,)),
        optimizer=OptimizerConfig("adam", lr=0.005),
        flow=FlowConfig(ema=0.9),
        loop=LoopConfig(epochs=3),
        records=RecordsConfig(out=tmp_path_factory.mktemp("trained") / "run"),
    )
    events = list(run(config, garments))
    (tested,) = [event for event in events if isinstance(event, Tested)]
    assert config.records.out is not None
    return Run(config.records.out, config, np.asarray(tested.outputs, np.float64))
