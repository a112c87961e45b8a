"""Real bpy with a throw-away user folder and an empty scene for each test."""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

USER_FOLDER = tempfile.mkdtemp(prefix="cstalk-blender-")
# Before the first `import bpy`, which reads both.
os.environ["BLENDER_USER_RESOURCES"] = USER_FOLDER
os.environ["HOME"] = USER_FOLDER

bpy = pytest.importorskip("bpy", reason="needs a Python with Blender's bpy", exc_type=ImportError)


def pytest_sessionfinish(exitstatus: int) -> None:
    """Leave without Blender's own clean-up where that crashes.

    The 4.2 wheel frees properties with Python callbacks (``poll``, ``update``) after Python has
    ended, unregistered or not, and dies of it. The application ends in another order.
    """
    if bpy.app.version < (4, 5):
        atexit.register(_leave, int(exitstatus))  # runs before what bpy registered at its import


def _leave(exitstatus: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exitstatus)


@pytest.fixture(autouse=True)
def empty_scene() -> None:
    """A scene with nothing in it."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with spaces and other alphabets in its name."""
    folder = tmp_path / "日本語 ü wörk"
    folder.mkdir()
    return folder


@pytest.fixture
def addon() -> Iterator[Any]:
    """The registered add-on; left registered, it would crash or hang some Blenders at exit."""
    import cstalk_blender

    cstalk_blender.register()
    try:
        yield cstalk_blender
    finally:
        cstalk_blender.unregister()


@pytest.fixture
def studio(
    addon: Any, tmp_path: Path, request: pytest.FixtureRequest, observed: Callable[[object], None]
) -> Iterator[Any]:
    """The add-on's studio, on a well-behaved fake worker; `use_worker` gives it another."""
    from cstalk_blender.jobs import generate as jobs
    from tests.fakes.sessions import fake_launch

    studio = jobs.current_job()
    studio.launch = lambda: fake_launch("good", tmp_path)
    told: list[str] = []
    fail = studio.fail
    studio.fail = lambda error: (told.append(f"{error} ({error.hint})"), fail(error))
    yield studio
    if request.node.get_closest_marker("fault") is not None:
        observed("; ".join([*told, *_ending(studio, told)]))


def _ending(studio: Any, told: list[str]) -> list[str]:
    """Return the outcome for the table of faults."""
    if studio.is_busy:
        return ["the order under way goes on"]
    if studio.outcome is not None:
        return ["the next performance was made" if told else "the performance was made"]
    return [] if told else ["ended, and nothing was written"]


@pytest.fixture
def use_worker(studio: Any, tmp_path: Path) -> Callable[[str], None]:
    """Let the next child be the fake worker in the mode that is given."""
    from tests.fakes.sessions import fake_launch

    def use(mode: str) -> None:
        studio.drop_child()
        studio.launch = lambda: fake_launch(mode, tmp_path)

    return use


@pytest.fixture
def batch(addon: Any, tmp_path: Path) -> Any:
    """The add-on's batch, on a well-behaved fake child."""
    from cstalk_blender.jobs.batch import job as batch_job
    from tests.fakes.sessions import fake_batch_launch

    batch = batch_job.current_job()
    batch.launch = lambda: fake_batch_launch("good", tmp_path)
    return batch


@pytest.fixture
def use_child(batch: Any, tmp_path: Path) -> Callable[[str], None]:
    """Let the next batch be the fake child in the mode that is given."""
    from tests.fakes.sessions import fake_batch_launch

    def use(mode: str) -> None:
        batch.launch = lambda: fake_batch_launch(mode, tmp_path)

    return use


@pytest.fixture
def speech(work: Path) -> Path:
    """Two seconds of sound at a path with spaces and other alphabets."""
    from tests.fakes.faces import write_wav

    return write_wav(work / "größe 台詞 01.wav")


@pytest.fixture
def face(addon: Any) -> Any:
    """A face in a scene of 24 frames a second."""
    from tests.fakes.faces import make_face

    bpy.context.scene.render.fps = 24
    return make_face()


@pytest.fixture
def ready(studio: Any, face: Any, speech: Path) -> Any:
    """The settings of the scene as they are after Load Audio, with an emotion chosen."""
    from cstalk_blender.ui.operators import generate as operators

    operators.load_audio(bpy.context.scene, speech)
    settings = bpy.context.scene.cstalk
    settings.emotion, settings.intensity, settings.start_frame = "happy", 0.5, 11
    settings.key_rate = "SCENE"  # a key on every frame, which the tests count
    return settings
