"""Loaders beyond what `parity data` judges: faults, processes, arrays, the contract."""

import json
import random
import subprocess
import sys
import warnings
from collections import namedtuple
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import loader_sets as sets
import numpy as np
import pytest

from jaxtrain import data, rng
from jaxtrain.data import DataError, DataLoader, Subset, TensorDataset
from jaxtrain.data.loading import threads
from jaxtrain.errors import ConfigError

PROCESSES = {"num_workers": 2, "multiprocessing_context": "forkserver"}
THREADS = {"num_workers": 2}


def seed_all(seed: int) -> None:
    rng.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


FAULTS: list[tuple[type, dict[str, Any], str]] = [
    *(
        (sets.Raises, workers, "row 13: OSError: the file is cut short")
        for workers in ({}, THREADS, PROCESSES)
    ),
    *(
        (sets.Ragged, workers, "got (3,) first and (4,) at place 1: give a collate_fn")
        for workers in ({}, THREADS)
    ),
    (sets.Exits, THREADS, "rows 12, 13, 14, … (4): SystemExit: 3"),
    (sets.Dies, PROCESSES, "ended with exit status -9 while it was to load rows 12"),
    (
        sets.Unreceived,
        {**PROCESSES, "collate_fn": list},
        "its batch cannot be received: RuntimeError: not here",
    ),
    (sets.Slow, {**THREADS, "timeout": 0.1}, "no batch came within 0.1 s: worker 1"),
    (sets.Shrinks, {}, "had 40 rows when the pass began, and has 39 at batch 2"),
    (sets.Lambda, PROCESSES, "the data set cannot be sent to worker processes"),
    (lambda: Subset(sets.Raises(), range(9, 40)), {}, "row 4: OSError"),
]


def test_a_fault_is_one_line_that_names_the_row() -> None:
    wrong = []
    for make, workers, line in FAULTS:
        batches = iter(DataLoader(make(), 4, **workers)) if not _early(make) else None
        try:
            list(batches or DataLoader(make(), 4, **workers))
            text = "no fault"
        except (DataError, ConfigError) as error:
            text = str(error)
        if line not in text or "\n" in text:
            wrong.append((make, workers, text))
    assert wrong == []


def _early(make: Any) -> bool:
    """Whether the fault comes when the pass begins."""
    return make is sets.Lambda


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"num_workers": -1}, "num_workers must be 0 or more, got -1"),
    ({"timeout": 5}, "are for workers, and num_workers is 0"),
    ({**THREADS, "multiprocessing_context": "fork"}, "'forkserver' begins from"),
    ({**THREADS, "multiprocessing_context": "frok"}, "unknown multiprocessing_context"),
    ({"multiprocessing_context": "spawn"}, "is for workers, and num_workers is 0"),
    ({**THREADS, "prefetch_factor": 0}, "prefetch_factor must be 1 or more, got 0"),
    ({"in_order": False}, "in_order must be True, got False"),
    ({"sampler": [1], "shuffle": True}, "leave shuffle out"),
    ({"batch_sampler": [[1]], "batch_size": 2}, "leave batch_size"),
]


def test_arguments_that_are_impossible() -> None:
    wrong = []
    for arguments, line in REFUSED:
        try:
            DataLoader(range(4), **arguments)
            text = "not refused"
        except ValueError as error:
            text = str(error)
        wrong += [] if line in text else [(arguments, text)]
    assert wrong == []
    with pytest.raises(TypeError, match=r"set has no __getitem__"):
        DataLoader({1, 2})


def test_processes_draw_what_threads_do_and_go_on_where_they_stopped() -> None:
    def all_of(workers: dict[str, Any], stop: int | None) -> list[Any]:
        seed_all(3)
        loader = DataLoader(sets.Draws(), 6, shuffle=True, **workers)
        found = []
        for _ in range(2):
            batches = loader.start()
            for number in range(len(loader)):
                if number == stop:
                    state = batches.state()
                    batches.close()
                    seed_all(9)
                    batches = loader.resume(state)
                found.append(next(batches).tobytes())
            found += [random.random(), np.random.rand()]
            assert list(batches) == []
        return found

    with pytest.warns(UserWarning, match="draws from Python's random"):
        whole = all_of(THREADS, None)
    with pytest.warns(UserWarning, match="draws from Python's random"):
        assert all_of(THREADS, 3) == whole
    reseeding = {"worker_init_fn": sets.reseed}
    with pytest.warns(UserWarning, match="draws from Python's random"):
        reseeded = all_of({**THREADS, **reseeding}, None)
    assert reseeded != whole
    assert all_of(PROCESSES, 3) == whole
    assert all_of({**PROCESSES, **reseeding}, 3) == reseeded
    inline = all_of({}, None)
    assert all_of({}, 5) == inline != whole


def test_a_state_is_plain_and_is_refused_where_something_changed() -> None:
    loader = DataLoader(sets.Draws(), 6, shuffle=True)
    batches = loader.start()
    next(batches)
    state = batches.state()

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        assert type(value) in (int, str, list, np.ndarray), value
        return value.tolist() if isinstance(value, np.ndarray) else value

    assert len(json.dumps(plain(state))) < 2**17
    shorter = Subset(sets.Draws(), range(39))
    for other, line in (
        (DataLoader(shorter, 6, shuffle=True), "with 40 rows of the data set"),
        (DataLoader(sets.Draws(), 5, shuffle=True), "the sampler gives other rows"),
        (DataLoader(sets.Draws(), 6, **THREADS), "with 0 num_workers, and there are 2"),
    ):
        with pytest.raises(DataError, match=line):
            other.resume(state)
    with pytest.raises(DataError, match="its version here, got 0"):
        loader.resume({**state, "version": 0})


def test_a_data_set_that_draws_late_is_noticed() -> None:
    class Late(sets.Draws):
        def __getitem__(self, row: int) -> Any:
            return super().__getitem__(row) if row > 30 else np.zeros(4)

    with pytest.warns(UserWarning, match="if not for its first batch"):
        list(DataLoader(Late(), 4, **THREADS))


def test_threads_end_when_nobody_wants_their_batches() -> None:
    for _ in DataLoader(sets.Rows(), 2, **THREADS):
        break
    names = {thread for thread in threads.threading.enumerate() if thread.is_alive()}
    for thread in names:
        if thread.name.startswith("jaxtrain-loader"):
            thread.join(5)
            assert not thread.is_alive()


def test_arrays_are_whole_and_their_rows_those_of_the_batches() -> None:
    images, labels = np.arange(20.0).reshape(10, 2), np.arange(10)
    whole = TensorDataset(images, labels)
    part = Subset(Subset(whole, [9, 8, 7, 6, 5, 1]), [5, 0, 2, 3])
    for dataset, sampler in ((whole, None), (part, None), (whole, [3, 3, 1])):
        loaders = [
            DataLoader(dataset, 3, sampler=sampler, shuffle=sampler is None, **more)
            for more in ({}, {"collate_fn": lambda rows: data.default_collate(rows)})
        ]
        rng.manual_seed(4)
        slow = list(loaders[1])
        assert loaders[1].arrays() is None
        rng.manual_seed(4)
        fast = list(loaders[0])
        rng.manual_seed(4)
        batches = loaders[0].start()
        arrays = loaders[0].arrays()
        assert arrays[0] is images
        by_rows = [[array[rows] for array in arrays] for rows in batches.rows()]
        for other in (fast, by_rows):
            assert jax.tree.all(jax.tree.map(np.array_equal, slow, other))


def test_rows_are_gone_on_with_like_batches() -> None:
    loader = DataLoader(TensorDataset(np.arange(50)), 4, shuffle=True)
    rng.manual_seed(1)
    expected = [rows.tolist() for rows in loader.start().rows()]
    rng.manual_seed(1)
    batches = loader.start()
    rows = batches.rows()
    found = [next(rows).tolist() for _ in range(5)]
    state = batches.state()
    rng.manual_seed(8)
    found += [rows.tolist() for rows in loader.resume(state).rows()]
    assert found == expected


def test_arrays_by_name_and_on_a_device() -> None:
    named = TensorDataset(x=jnp.arange(6.0), mask=np.arange(6) > 2)
    (batch,) = DataLoader(named, 6)
    assert isinstance(batch["x"], jax.Array)
    assert isinstance(batch["mask"], np.ndarray)
    assert named[1] == {"x": 1.0, "mask": False}
    (stacked,) = DataLoader([jnp.zeros(2), jnp.ones(2)], 2)
    assert isinstance(stacked, jax.Array)
    nested = TensorDataset({"a": np.zeros((3, 1))}, np.zeros(3))
    assert DataLoader(nested).arrays()[0]["a"].shape == (3, 1)
    for wrong in ((), (np.zeros(3), np.zeros(2)), (np.zeros(()),)):
        with pytest.raises(ValueError, match="arrays"):
            TensorDataset(*wrong)
    with pytest.raises(TypeError, match="not an array: float"):
        TensorDataset([1.0, 2.0])


def test_a_tensor_of_pytorch_becomes_an_array() -> None:
    torch = pytest.importorskip("torch")
    Point = namedtuple("Point", "x y")
    found = data.default_collate([Point(torch.ones(2), 1), Point(torch.zeros(2), 2)])
    assert isinstance(found, Point)
    assert isinstance(found.x, np.ndarray)
    assert found.x.tolist() == [[1, 1], [0, 0]]


SCRIPT = """
import numpy as np
from jaxtrain.data import DataLoader
print("begun")
class Own:
    def __len__(self): return 4
    def __getitem__(self, row): return row
def main():
    loader = DataLoader(Own(), 2, num_workers=1, multiprocessing_context=METHOD)
    print([batch.tolist() for batch in loader])
GUARD main()
"""


@pytest.mark.parametrize("context", ["threads", "processes"])
def test_a_class_of_the_script_itself(tmp_path: Path, context: str) -> None:
    """Guarded or not: threads always load, processes never run the script again."""
    method = {"threads": "None", "processes": "'forkserver'"}[context]
    for guard in ("", "if __name__ == '__main__':"):
        file = tmp_path / "script.py"
        text = SCRIPT.replace("METHOD", method).replace("GUARD ", f"{guard} ".lstrip())
        file.write_text(text)
        done = subprocess.run(
            [sys.executable, str(file)], capture_output=True, text=True, timeout=120
        )
        if guard or context == "threads":
            assert "[[0, 1], [2, 3]]" in done.stdout, done.stderr
        else:
            assert done.stdout == "begun\n"
            assert "put what it does below if __name__" in done.stderr


def test_the_engines_order_is_that_of_the_loader() -> None:
    """`run` draws its own order still: it is this one."""
    from jaxtrain.data.order import epoch_order

    loader = DataLoader(TensorDataset(np.arange(1000)), 64, shuffle=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = np.concatenate(list(DataLoader.start(_seeded(loader)).rows()))
    assert rows.tolist() == epoch_order(rng.Generator(5), 1000, True).tolist()


def _seeded(loader: DataLoader) -> DataLoader:
    rng.manual_seed(5)
    return loader
