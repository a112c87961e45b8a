"""Provide what every layer of the suite shares: the checkout's corpora and the mark ``data``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the fault that a test tries, for `build.py faults`; skip ``data`` without corpora."""
    for item in items:
        for mark in item.iter_markers("fault"):
            item.user_properties.append(("fault", mark.args[0]))
    if DATA.is_dir():
        return
    absent = pytest.mark.skip(reason=f"no corpora at {DATA}")
    for item in items:
        if "data" in item.keywords:
            item.add_marker(absent)


@pytest.fixture(scope="session", autouse=True)
def _state_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A state folder of the suite's own: the user's record of written files stays as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CSTALK_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def observed(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Notes what happened when a fault was tried; `build.py faults` prints it."""

    def note(what: object) -> None:
        request.node.user_properties.append(("happened", " ".join(str(what).split())))

    return note


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The corpora beside the checkout; for tests marked ``data`` only."""
    return DATA
