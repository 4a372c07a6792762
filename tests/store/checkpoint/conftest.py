import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def swift_disk() -> Iterator[None]:
    """Syncing takes a busy disk seconds, and no test can see what it does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)
        yield
