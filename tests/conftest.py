"""What every layer of the suite shares: the checkout's corpora and the mark ``data``."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked ``data``, saying why, where the corpora are absent."""
    if DATA.is_dir():
        return
    absent = pytest.mark.skip(reason=f"no corpora at {DATA}")
    for item in items:
        if "data" in item.keywords:
            item.add_marker(absent)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The corpora beside the checkout; for tests marked ``data`` only."""
    return DATA
