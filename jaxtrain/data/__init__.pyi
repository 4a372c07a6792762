from .collate import (
    default_collate as default_collate,
)
from .collate import (
    default_convert as default_convert,
)
from .dataset import (
    DataError as DataError,
)
from .dataset import (
    Dataset as Dataset,
)
from .dataset import (
    Split as Split,
)
from .datasets import (
    ConcatDataset as ConcatDataset,
)
from .datasets import (
    MapDataset as MapDataset,
)
from .datasets import (
    Subset as Subset,
)
from .datasets import (
    TensorDataset as TensorDataset,
)
from .datasets import (
    random_split as random_split,
)
from .idx import (
    write_idx as write_idx,
)
from .load import (
    load as load,
)
from .loading.fetch import (
    WorkerInfo as WorkerInfo,
)
from .loading.fetch import (
    get_worker_info as get_worker_info,
)
from .loading.loader import (
    DataLoader as DataLoader,
)
from .loading.passes import (
    Pass as Pass,
)
from .samplers import (
    BatchSampler as BatchSampler,
)
from .samplers import (
    DistributedSampler as DistributedSampler,
)
from .samplers import (
    RandomSampler as RandomSampler,
)
from .samplers import (
    Sampler as Sampler,
)
from .samplers import (
    SequentialSampler as SequentialSampler,
)
from .samplers import (
    SubsetRandomSampler as SubsetRandomSampler,
)
from .samplers import (
    WeightedRandomSampler as WeightedRandomSampler,
)
