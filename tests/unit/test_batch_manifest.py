"""Laws of lists, names and plans of a batch."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from model_runtime.batch.lines.manifest import Acting, read_rows
from model_runtime.batch.lines.naming import NamePattern, UnusedNames, shortened
from model_runtime.batch.lines.plan import check_inputs_kept, make_plan
from model_runtime.choices import DEFAULT_PATTERN
from model_runtime.errors import BadArgument
from model_runtime.protocol import EmotionKey


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    "pattern, path, said",
    [
        (DEFAULT_PATTERN, "line_012__anger_0.7.wav", ("angry", "0.7")),
        (DEFAULT_PATTERN, "line__JOY.wav", ("happy", None)),
        (DEFAULT_PATTERN, "line__auto.wav", ("auto", None)),
        (DEFAULT_PATTERN, "line__take_2.wav", (None, None)),
        (DEFAULT_PATTERN, "plain.wav", (None, None)),
        ("{emotion}-{any}[-{intensity}]", "sad-x y-1.wav", ("sad", "1")),
    ],
)
def test_a_name_says_emotion_and_intensity(
    pattern: str, path: str, said: tuple[str | None, str | None]
) -> None:
    found = NamePattern.parse(pattern).read(PurePosixPath(path))
    assert (found.get("emotion"), found.get("intensity")) == said


def test_a_pattern_with_a_slash_reads_the_folders() -> None:
    pattern = NamePattern.parse("{character}/{scene}_{any}")
    said = pattern.read(PurePosixPath("all/Anna/s04_012.wav"))
    assert said == {"character": "Anna", "scene": "s04"}
    assert pattern.read(PurePosixPath("s04_012.wav")) == {}


@pytest.mark.parametrize("text", ["", "plain", "{nme}", "{name}_{name}", "{name", "[{name}", "]["])
def test_a_pattern_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadArgument, match="name pattern"):
        NamePattern.parse(text)


def test_columns_count_over_sidecar_over_name(tmp_path: Path) -> None:
    touch(tmp_path, "a__sad_0.2.wav", "b__sad_0.2.wav", "c__sad_0.2.wav")
    for name in "bc":
        text = '{"emotion": "fear", "character": "Bo", "seed": 4}'
        (tmp_path / f"{name}__sad_0.2.json").write_text(text, encoding="utf-8")
    table = tmp_path / "list.csv"
    table.write_text(
        "file,emotion,intensity\na__sad_0.2.wav,,\nb__sad_0.2.wav,,\nc__sad_0.2.wav,happy,0.9\n",
        encoding="utf-8",
    )
    a, b, c = (row.acting for row in read_rows(table))
    assert a == Acting(emotion="sad", intensity=0.2)
    assert b == Acting(emotion="fearful", seed=4)  # not the intensity that was meant for sad
    assert c == Acting(emotion="happy", intensity=0.9, seed=4)


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_lists_are_read_with_any_of_the_usual_marks(tmp_path: Path, mark: str) -> None:
    table = tmp_path / "list.tsv"
    header = mark.join(["File", "Character", "emotion_at", "start", "OUT"])
    row = mark.join(["x.wav", "Ann", "1.5:joy:1 3:sad:0.5", "12.25", "s1/x"])
    table.write_bytes(f"\ufeff{header}\r\n{row}\r\n\r\n".encode())
    (found,) = read_rows(table)
    assert (found.character, found.place_s, found.output) == ("Ann", 12.25, "s1/x")
    keys = (EmotionKey(1.5, "happy", 1.0), EmotionKey(3.0, "sad", 0.5))
    assert found.acting.emotion_at == keys


def test_a_broken_sidecar_is_the_trouble_of_its_line_alone(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav", "c.wav")
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    (tmp_path / "b.json").write_text('{"exportFps": 60}', encoding="utf-8")  # curves, no sidecar
    a, b, c = read_rows(tmp_path)
    assert "a.json is not valid JSON" in a.problem
    assert (b.problem, b.sidecar, c.problem) == ("", "", "")


def test_folders_are_read_with_subfolders_without_hidden_files_and_loops(tmp_path: Path) -> None:
    touch(tmp_path, "b.wav", "x/a.WAV", "x/._a.wav", ".git/c.wav", "notes.txt", "d.wav/e.flac")
    (tmp_path / "x" / "up").symlink_to(tmp_path, target_is_directory=True)
    names = [row.name for row in read_rows(tmp_path)]
    assert names == ["b.wav", "d.wav/e.flac", "x/a.WAV"]
    assert [r.name for r in read_rows(tmp_path, include=["x/*", "e.*"], exclude=["*.flac"])] == [
        "x/a.WAV"
    ]
    assert [r.name for r in read_rows(str(tmp_path / "**" / "*.WAV"))] == ["x/a.WAV"]


@pytest.mark.parametrize("source", ["lines", "lines/", "./lines", "lines/**/*.wav", "lines/l.csv"])
def test_a_relative_source_finds_the_files_of_the_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("lines/a.wav", "lines/sub/b.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "lines" / "l.csv").write_text("file\na.wav\nsub/b.wav\n", encoding="utf-8")
    rows = read_rows(source)
    assert [Path(row.audio).resolve() for row in rows] == [
        tmp_path / "lines/a.wav",
        tmp_path / "lines/sub/b.wav",
    ]
    assert [row.name for row in rows] == ["a.wav", "sub/b.wav"]


def test_outputs_keep_the_tree_and_never_meet(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "A.flac", "x/a.wav")
    lines = make_plan(read_rows(tmp_path), ("npz", "csv"))
    targets = [target for line in lines for target in line.targets]
    assert len({target.casefold() for target in targets}) == len(targets) == 6
    assert ("x/a.npz", "x/a.csv") in [line.targets for line in lines]


def test_no_input_is_ever_planned_to_be_written_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    (tmp_path / "a.json").write_text('{"emotion": "sad"}', encoding="utf-8")
    lines = make_plan(read_rows(tmp_path), ("json",))
    with pytest.raises(BadArgument, match="would be replaced"):
        check_inputs_kept(lines, tmp_path, [])
    check_inputs_kept(lines, tmp_path / "out", [])


@pytest.mark.parametrize("name", ["x" * 250, "ä" * 200, "日" * 90])
def test_long_names_are_cut_and_still_differ(name: str) -> None:
    one, two = shortened(f"folder/{name}1"), shortened(f"folder/{name}2")
    assert one != two
    assert one.startswith("folder/")
    assert len(one.rpartition("/")[2].encode()) <= 240


def test_names_that_a_file_system_takes_for_one_are_told_apart() -> None:
    names = UnusedNames()
    given = [names.claim(stem, (".npz",)) for stem in ("É", "é", "e\u0301")]
    assert given == ["É", "é-2", "e\u0301-3"]


@pytest.mark.parametrize(
    "pattern",
    [
        "{name}_{any}_{any}_{any}_{any}_{emotion}",
        "[[[{name}]{any}]{any}]x",
        "{name}[{any}[{any}]]_!",
    ],
)
def test_a_pattern_takes_steps_in_proportion_to_the_name(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model_runtime.batch.lines import matching

    program = NamePattern.parse(pattern).program
    steps = 0

    class Counting(list[matching.Instruction]):
        def __getitem__(self, place: object) -> matching.Instruction:  # type: ignore[override]
            nonlocal steps
            steps += 1
            return super().__getitem__(place)  # type: ignore[index, no-any-return]

    monkeypatch.setattr(program, "_code", Counting(program._code))
    counts = []
    for length in (100, 200):
        steps = 0
        assert program.fullmatch("_" * length) is None
        counts.append(steps)
    assert counts[1] < 2.5 * counts[0]


@pytest.mark.parametrize(
    "pattern, name, fields",
    [
        ("{name}_{character}", "a_b_c", {"name": "a", "character": "b_c"}),
        ("{name}[_{seed}]", "take_12", {"name": "take", "seed": "12"}),
        ("{name}[_{seed}]", "take_x", {"name": "take_x"}),
        ("{scene}-{start}s", "X-1.5s", {"scene": "X", "start": "1.5"}),
        ("{scene}-{start}S", "x-2s", {"scene": "x", "start": "2"}),
        ("({name})", "(a", {}),
        ("{emotion}{any}", "sadness1", {"emotion": "sad"}),
    ],
)
def test_a_pattern_gives_its_fields(pattern: str, name: str, fields: dict[str, str]) -> None:
    assert NamePattern.parse(pattern).read(PurePosixPath(f"{name}.wav")) == fields
