"""Laws of the three curve formats."""

from __future__ import annotations

import contextlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from model_runtime.curves.formats import livelink as format_livelink
from model_runtime.curves.formats.registry import check_output, read_curves, write_curves
from model_runtime.curves.rig import load_rig
from model_runtime.curves.track import CurveTrack
from model_runtime.errors import BadArgument, BadCurves, BadOutput

NAMES = load_rig("arkit52").channel_names


def random_track(frames: int = 150, fps: float = 60.0) -> CurveTrack:
    values = np.random.default_rng(0).random((frames, 52)).astype(np.float32)
    return CurveTrack(values, NAMES, fps, request={"audio": "ü.wav", "seed": 3})


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".json"])
@pytest.mark.parametrize("fps", [12, 23.976, 24, 29.97, 30, 59.94, 60, 100])
def test_what_was_written_is_read_back(tmp_path: Path, suffix: str, fps: float) -> None:
    track = random_track(fps=fps)
    path = tmp_path / f"日本語 ü{suffix}"
    write_curves(track, path)
    back = read_curves(path)
    assert back.frame_count == track.frame_count
    assert back.fps == pytest.approx(fps, rel=1e-4)
    assert back.channels[:52] == NAMES
    np.testing.assert_allclose(back.values[:, :52], track.values, atol=1e-6)


def test_npz_keeps_everything_and_holds_what_the_contract_says(tmp_path: Path) -> None:
    track = random_track().replaced(start_s=1.5)
    write_curves(track, tmp_path / "a.npz")
    back = read_curves(tmp_path / "a.npz")
    np.testing.assert_array_equal(back.values, track.values)
    assert (back.start_s, back.request) == (1.5, track.request)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as data:
        assert sorted(data) == ["channels", "fps", "request", "start_s", "values"]
        assert data["values"].dtype == np.float32
        assert json.loads(str(data["request"])) == track.request


def test_the_same_track_gives_the_same_bytes(tmp_path: Path) -> None:
    for suffix in (".npz", ".csv", ".json"):
        for name in ("a", "b"):
            write_curves(random_track(), tmp_path / (name + suffix))
        first, second = ((tmp_path / (name + suffix)).read_bytes() for name in ("a", "b"))
        assert first == second


def test_livelink_has_the_columns_of_the_app(tmp_path: Path) -> None:
    write_curves(random_track(frames=61), tmp_path / "a.csv")
    rows = [line.split(",") for line in (tmp_path / "a.csv").read_text().splitlines()]
    assert rows[0][:4] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft", "EyeLookDownLeft"]
    assert rows[0][16:20] == ["JawForward", "JawRight", "JawLeft", "JawOpen"]
    assert rows[0][-10:-7] == ["TongueOut", "HeadYaw", "HeadPitch"]
    assert {len(row) for row in rows} == {63}
    assert rows[1][:2] == ["00:00:00:00.000", "61"]
    assert rows[61][0] == "00:00:01:00.000"


@pytest.mark.parametrize(
    "fps, codes",
    [
        (24, ["00:00:00:00.000", "00:00:00:02.500", "00:00:00:05.000"]),
        (25, ["00:00:00:00.000", "00:00:00:02.400", "00:00:00:04.800"]),
        (30, ["00:00:00:00.000", "00:00:00:02.000", "00:00:00:04.000"]),
        (120, ["00:00:00:00.000", "00:00:00:00.500", "00:00:00:01.000"]),
    ],
)
def test_the_timecode_counts_frames_at_60_for_every_rate(
    tmp_path: Path, fps: float, codes: list[str]
) -> None:
    path = tmp_path / "a.csv"
    write_curves(CurveTrack(np.zeros((3, 1), np.float32), ("jawOpen",), fps), path)
    rows = path.read_text(encoding="utf-8").splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == codes


@pytest.mark.parametrize(
    "frame, base, text",
    [
        (0, 60, "00:00:00:00.000"),
        (59.9999, 60, "00:00:01:00.000"),
        (90, 24, "00:00:03:18.000"),
        (2.5025, 60, "00:00:00:02.502"),
        (60 * 3661, 60, "01:01:01:00.000"),
    ],
)
def test_timecodes_carry_over(frame: float, base: int, text: str) -> None:
    assert format_livelink.timecode(frame, base) == text


def take(
    path: Path, codes: list[str], header: str = "Timecode,BlendShapeCount,JAWOPEN,Foo"
) -> Path:
    rows = [f"{code},52,{i},9" for i, code in enumerate(codes)]
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


@pytest.mark.fault("a Live Link recording over midnight")
@pytest.mark.parametrize("start_frame", [0, 30])
def test_a_recording_over_midnight_is_read_on(tmp_path: Path, start_frame: int) -> None:
    frames = range(start_frame, start_frame + 120)
    day = 24 * 3600 * 60
    codes = [format_livelink.timecode((day - 90 + frame) % day, 60) for frame in frames]
    track = read_curves(take(tmp_path / "a.csv", codes))
    assert (track.fps, track.frame_count) == (60, 120)
    np.testing.assert_array_equal(track.column("jawOpen"), np.arange(120))


def test_livelink_matches_names_in_any_case_and_ignores_others(tmp_path: Path) -> None:
    track = read_curves(take(tmp_path / "a.csv", ["10:00:00:00.000", "10:00:00:01.000"]))
    assert track.channels == ("jawOpen",)
    assert track.values[:, 0].tolist() == [0, 1]
    assert track.fps == 60


def test_a_take_at_half_the_base_rate_is_read_at_its_own(tmp_path: Path) -> None:
    codes = [f"13:13:{4 + i // 30:02d}:{i % 30 * 2 + 1:02d}.65{i % 3}" for i in range(90)]
    track = read_curves(take(tmp_path / "a.csv", codes))
    assert track.fps == 30
    assert track.values[:, 0].tolist() == list(range(90))


def test_dropped_frames_are_filled_in_time(tmp_path: Path) -> None:
    kept = [i for i in range(180) if i not in (50, 51, 100)]
    codes = [f"00:00:{i // 60:02d}:{i % 60:02d}.000" for i in kept]
    track = read_curves(take(tmp_path / "a.csv", codes))
    assert (track.fps, track.frame_count) == (60, 180)
    expected = np.interp(range(180), kept, range(177))
    np.testing.assert_allclose(track.values[:, 0], expected, atol=1e-3)


@pytest.mark.data
def test_real_takes_are_read(data_folder: Path) -> None:
    paths = sorted((data_folder / "capture" / "livelink_rom").glob("*.csv"))
    assert paths
    for path in paths:
        track = read_curves(path)
        rows = len(path.read_text().splitlines()) - 1
        assert len(track.channels) == 61
        assert round(track.fps) in (30, 60)
        assert track.frame_count >= rows


def test_livelink_refuses_curves_without_arkit_shapes(tmp_path: Path) -> None:
    track = CurveTrack(np.zeros((3, 2), np.float32), ("exp0", "exp1"), 60.0)
    with pytest.raises(BadArgument, match="none"):
        write_curves(track, tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_a2f_has_the_fields_of_the_export(tmp_path: Path) -> None:
    write_curves(random_track(), tmp_path / "a.json")
    data = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert data["exportFps"] == 60
    assert (data["numFrames"], data["numPoses"]) == (150, 52)
    assert data["facsNames"] == list(NAMES)
    assert data["trackPath"] == "ü.wav"
    assert np.shape(data["weightMat"]) == (150, 52)


GOOD_JSON = {"exportFps": 30, "numFrames": 1, "facsNames": ["jawOpen"], "weightMat": [[0.5]]}
BAD_FILES = {
    "text.npz": b"not a zip",
    "empty.npz": b"",
    "pickle.npz": pickle.dumps([1, 2, 3]),
    "text.json": b"{",
    "list.json": b"[1]",
    "lacks.json": json.dumps({**GOOD_JSON, "weightMat": None}).encode(),
    "ragged.json": json.dumps({**GOOD_JSON, "weightMat": [[1], [1, 2]]}).encode(),
    "count.json": json.dumps({**GOOD_JSON, "numFrames": 2}).encode(),
    "nan.json": json.dumps({**GOOD_JSON, "weightMat": [[float("nan")]]}).encode(),
    "twice.json": json.dumps(
        {**GOOD_JSON, "facsNames": ["a", "a"], "weightMat": [[1, 2]]}
    ).encode(),
    "empty.csv": b"",
    "other.csv": b"a,b\n1,2\n",
    "binary.csv": b"\xff\xfe\x00\x01",
    "code.csv": b"Timecode,JawOpen\nnoon,0.1\n",
    "number.csv": b"Timecode,JawOpen\n00:00:00:00,x\n",
    "back.csv": b"Timecode,JawOpen\n00:00:00:05,1\n00:00:00:04,1\n",
    "short.csv": b"Timecode,A,JawOpen\n00:00:00:05\n",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BAD_FILES[name])
    with pytest.raises(BadCurves) as caught:
        read_curves(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.fault("curves: planted pickle")
def test_an_object_array_is_not_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (pytest.fail, ("unpickled",))

    bomb = np.array([Bomb()], object)
    np.savez(tmp_path / "a.npz", values=bomb, channels=bomb, fps=1, start_s=0, request=bomb)
    with pytest.raises(BadCurves):
        read_curves(tmp_path / "a.npz")


@pytest.mark.fault("curves: any spoiled file")
def test_any_spoiled_npz_is_refused_or_read(tmp_path: Path) -> None:
    path, random = tmp_path / "a.npz", np.random.default_rng(0)
    write_curves(random_track(frames=2), path)
    data = path.read_bytes()
    for _ in range(300):
        broken = bytearray(data[: random.integers(1, len(data))] if random.random() < 0.2 else data)
        broken[int(random.integers(0, len(broken)))] ^= int(random.integers(1, 256))
        path.write_bytes(broken)
        with contextlib.suppress(BadCurves):
            assert read_curves(path).values.ndim == 2


def test_a_missing_file_and_a_missing_entry_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", values=np.zeros((2, 1), np.float32))
    for name in ("a.npz", "none.npz", "none.csv", "none.json"):
        with pytest.raises(BadCurves):
            read_curves(tmp_path / name)


def test_an_output_that_cannot_be_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(BadOutput, match="is a folder"):
        check_output(tmp_path / "folder.npz")
    with pytest.raises(BadOutput, match="No such file"):
        check_output(tmp_path / "none" / "a.npz")
    with pytest.raises(BadArgument, match="Unknown type"):
        check_output(tmp_path / "a.txt")
    check_output(tmp_path / "a.NPZ")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.npz"]


def test_livelink_turns_the_eyes_as_their_look_shapes_do(tmp_path: Path) -> None:
    values = np.zeros((3, 52), np.float32)
    values[1, [NAMES.index("eyeLookOutLeft"), NAMES.index("eyeLookInRight")]] = 0.6  # own left
    values[2, [NAMES.index("eyeLookDownLeft"), NAMES.index("eyeLookDownRight")]] = 0.4
    write_curves(CurveTrack(values, NAMES, 60.0), tmp_path / "a.csv")
    back = read_curves(tmp_path / "a.csv")
    for side in ("left", "right"):
        np.testing.assert_allclose(back.column(f"{side}EyeYaw"), (0, -0.3, 0), atol=1e-6)
        np.testing.assert_allclose(back.column(f"{side}EyePitch"), (0, 0, 0.2), atol=1e-6)


@pytest.mark.parametrize("data", [b"not a zip", pickle.dumps([1, 2, 3]), b"", b"\x80\x04"])
def test_another_file_of_the_name_is_told_without_advice_on_pickles(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(
        BadCurves, match=r"a\.npz is not a CSTalk curve file: it is no numpy"
    ) as told:
        read_curves(tmp_path / "a.npz")
    assert "pickle" not in f"{told.value} {told.value.hint}"


def test_missing_entries_and_objects_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", values=np.zeros((2, 1), np.float32), fps=24.0)
    with pytest.raises(BadCurves, match="it has no channels, start_s"):
        read_curves(tmp_path / "a.npz")
    objects, names = np.array([[None]]), np.array(["a"])
    np.savez(tmp_path / "b.npz", values=objects, channels=names, fps=24.0, start_s=0.0)
    with pytest.raises(BadCurves, match="an entry holds objects"):
        read_curves(tmp_path / "b.npz")
