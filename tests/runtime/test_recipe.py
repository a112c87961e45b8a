"""Laws of ``train all``: what is done is skipped, what changed is run again, and all after it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from model_runtime.errors import BadArgument  # noqa: E402
from model_runtime.training import recipe  # noqa: E402
from model_runtime.training.recipe import Stage, quickened, train_all  # noqa: E402
from model_runtime.training.settings import Settings, read_settings  # noqa: E402

SHIPPED = Path(recipe.__file__).with_name("shipped.toml")


class Record:
    """Three stages that note when they run."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.breaks = ""

    def stage(self, name: str, *sections: str, trains: bool = True) -> Stage:
        def run(_settings: Settings, _output: Path) -> None:
            self.ran.append(name)
            if name == self.breaks:
                raise KeyboardInterrupt

        return Stage(name, run, sections, ("version.py",), trains=trains)


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Record:
    found = Record()
    stages = (
        found.stage("labels", "teacher", trains=False),
        found.stage("listen", "acoustic"),
        found.stage("move", "generator", "loss"),
    )
    monkeypatch.setattr(recipe, "STAGES", stages)
    monkeypatch.setattr(recipe, "write_card", lambda *_: None)
    return found


def settings_in(folder: Path, **changes: object) -> Settings:
    return Settings(data=folder, work=folder / "work", **changes)  # type: ignore[arg-type]


def test_stages_that_are_done_are_skipped(record: Record, tmp_path: Path) -> None:
    for _ in range(2):
        train_all(settings_in(tmp_path), tmp_path / "out")
    assert record.ran == ["labels", "listen", "move"]


def test_a_changed_stage_runs_again_and_those_after_it(record: Record, tmp_path: Path) -> None:
    train_all(settings_in(tmp_path), tmp_path / "out")
    record.ran.clear()
    stage = dataclasses.replace(Settings.acoustic, steps=7)
    train_all(settings_in(tmp_path, acoustic=stage), tmp_path / "out")
    assert record.ran == ["listen", "move"]


def test_speed_and_places_change_nothing(record: Record, tmp_path: Path) -> None:
    train_all(settings_in(tmp_path), tmp_path / "out")
    stage = dataclasses.replace(Settings.acoustic, threads=3, device="cpu", save_every_s=1.0)
    teacher = dataclasses.replace(Settings.teacher, folder=tmp_path / "elsewhere")
    train_all(settings_in(tmp_path, acoustic=stage, teacher=teacher), tmp_path / "out")
    assert record.ran == ["labels", "listen", "move"]


def test_a_killed_stage_runs_again_and_no_earlier_one(record: Record, tmp_path: Path) -> None:
    record.breaks = "listen"
    with pytest.raises(KeyboardInterrupt):
        train_all(settings_in(tmp_path), tmp_path / "out")
    record.breaks = ""
    train_all(settings_in(tmp_path), tmp_path / "out")
    assert record.ran == ["labels", "listen", "listen", "move"]


def test_a_quick_training_shares_the_preparation_alone(record: Record, tmp_path: Path) -> None:
    train_all(settings_in(tmp_path), tmp_path / "out")
    record.ran.clear()
    train_all(settings_in(tmp_path), tmp_path / "quick", quick=True)
    assert record.ran == ["listen", "move"]
    quick = quickened(settings_in(tmp_path))
    assert quick.acoustic.steps * 4 == Settings.acoustic.steps
    assert quick.results != settings_in(tmp_path).results


def test_the_shipped_recipe_is_read_and_names_every_stage() -> None:
    settings = read_settings(SHIPPED)
    assert settings.model["hidden"] == 384
    names = [stage.name for stage in recipe.STAGES]
    assert names == [
        *("teacher", "prepare", "acoustic", "correlation", "generator", "calibration", "evaluate"),
    ]
    fields = {field.name for field in dataclasses.fields(Settings)}
    for stage in recipe.STAGES:
        assert set(stage.sections) <= fields, stage.name
        assert any(recipe.PACKAGE.glob(pattern) for pattern in stage.code), stage.name


@pytest.mark.parametrize("table", ["acoustic", "teacher", "draw", "loss", "generator"])
def test_an_unknown_key_is_refused(table: str, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(f'work = "w"\n[{table}]\nstepz = 7\n')
    with pytest.raises(BadArgument, match="stepz"):
        read_settings(path)
