"""Downloads go on where they were cut off, and a damaged one is never used. An index of our own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cstalk_blender.errors import InstallFailed
from cstalk_blender.runtime_install import fetch
from cstalk_blender.runtime_install.commands import InstallCancelled, Stop
from cstalk_blender.runtime_install.fetch import Download, Wheel
from cstalk_blender.runtime_install.packages import unpacked_bytes, wheels_in
from tests.fakes.package_index import PackageIndex, serve
from tests.fakes.wheels import make_wheel

SIZE = 700_000


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PackageIndex]:
    monkeypatch.setattr(fetch, "PAUSE_S", 0.0)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "served"
    (folder / "cpu").mkdir(parents=True)
    make_wheel(folder / "cpu", "big", "1.0+cpu", {"big.bin": bytes(range(250)) * (SIZE // 250)})
    with serve(folder) as running:
        yield running


@pytest.fixture
def wheel(index: PackageIndex) -> Wheel:
    path = next((index.folder / "cpu").iterdir())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel("big", f"{index.url}/cpu/{path.name.replace('+', '%2B')}", digest)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


def test_a_wheel_arrives_whole_with_progress(wheel: Wheel, work: Path) -> None:
    told: list[tuple[int, int]] = []
    download = Download(
        work, stop=Stop(), progress=lambda done, total, _name: told.append((done, total))
    )
    total = download.sizes([wheel])
    (path,) = download.fetch([wheel])
    assert path.name == "big-1.0+cpu-py3-none-any.whl"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == wheel.sha256
    assert told[-1] == (total, total)
    assert len(told) > 2
    assert told == sorted(told)
    assert [p.name for p in work.iterdir()] == [path.name]


def test_a_broken_line_is_taken_up_where_it_broke(
    index: PackageIndex, wheel: Wheel, work: Path
) -> None:
    index.cut_after = 300_000
    (path,) = Download(work, stop=Stop()).fetch([wheel])
    ranges = [asked for method, _, asked in index.requests if method == "GET"]
    assert ranges[0] == ""
    assert ranges[1].startswith("bytes=")
    assert int(ranges[1][6:-1]) >= 300_000
    assert hashlib.sha256(path.read_bytes()).hexdigest() == wheel.sha256


def test_a_stopped_download_is_taken_up_by_the_next(
    index: PackageIndex, wheel: Wheel, work: Path
) -> None:
    stop = Stop()
    download = Download(work, stop=stop, progress=lambda *_told: stop.set())
    with pytest.raises(InstallCancelled):
        download.fetch([wheel])
    kept = (work / (wheel.file_name + ".part")).stat().st_size
    assert 0 < kept < SIZE
    Download(work, stop=Stop()).fetch([wheel])
    assert index.requests[-1][2] == f"bytes={kept}-"


def test_a_server_without_ranges_gives_the_whole_again(
    index: PackageIndex, wheel: Wheel, work: Path
) -> None:
    index.takes_ranges, index.cut_after = False, 300_000
    (path,) = Download(work, stop=Stop()).fetch([wheel])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == wheel.sha256


def test_what_is_there_is_not_fetched_again(index: PackageIndex, wheel: Wheel, work: Path) -> None:
    Download(work, stop=Stop()).fetch([wheel])
    index.requests.clear()
    Download(work, stop=Stop()).fetch([wheel])
    assert index.requests == []


def test_a_whole_part_is_checked_and_used(index: PackageIndex, wheel: Wheel, work: Path) -> None:
    (path,) = Download(work, stop=Stop()).fetch([wheel])
    path.rename(path.with_name(path.name + ".part"))
    assert Download(work, stop=Stop()).fetch([wheel]) == [path]


def test_a_damaged_file_is_refused_and_thrown_away(
    index: PackageIndex, wheel: Wheel, work: Path
) -> None:
    index.spoils = True
    with pytest.raises(InstallFailed, match="damaged") as caught:
        Download(work, stop=Stop()).fetch([wheel])
    assert caught.value.hint
    assert list(work.iterdir()) == []


def test_a_refusal_is_not_asked_again(index: PackageIndex, work: Path) -> None:
    with pytest.raises(InstallFailed, match="gone"):
        Download(work, stop=Stop()).fetch(
            [Wheel("gone", f"{index.url}/cpu/gone-1-py3-none-any.whl")]
        )
    assert len(index.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://x/../../evil.sh",
        "http://x/%2e%2e%2fevil.whl",
        "http://x/a%2Fb-1.whl",
        "http://x/.hidden.whl",
        "http://x/",
        "ftp://x/a-1-py3-none-any.whl",
        "http://x/a%00b.whl",
    ],
)
def test_a_strange_address_is_refused(url: str, work: Path) -> None:
    with pytest.raises(InstallFailed, match="index names"):
        Download(work, stop=Stop()).fetch([Wheel("x", url)])
    assert list(work.iterdir()) == []


def test_a_local_file_is_used_where_it_lies(index: PackageIndex, wheel: Wheel, work: Path) -> None:
    path = next((index.folder / "cpu").iterdir())
    local = Wheel("big", path.as_uri(), wheel.sha256)
    assert Download(work, stop=Stop()).fetch([local]) == [path]
    assert index.requests == []
    with pytest.raises(InstallFailed, match="damaged"):
        Download(work, stop=Stop()).fetch([Wheel("big", path.as_uri(), "0" * 64)])


def test_pips_report_is_read_in_both_spellings() -> None:
    report = """{"install": [
        {"metadata": {"name": "Foo_Bar"}, "download_info":
          {"url": "https://x/a.whl", "archive_info": {"hash": "sha256=ab"}}},
        {"metadata": {"name": "b"}, "download_info":
          {"url": "https://x/b.whl", "archive_info": {"hashes": {"sha256": "cd"}}}},
        {"metadata": {"name": "c"}, "download_info": {"url": "file:///c.whl"}}]}"""
    assert wheels_in(report) == [
        Wheel("foo-bar", "https://x/a.whl", "ab"),
        Wheel("b", "https://x/b.whl", "cd"),
        Wheel("c", "file:///c.whl", ""),
    ]


@pytest.mark.parametrize("report", ["", "{}", "[]", '{"install": [{}]}', '{"install": 3}'])
def test_a_strange_report_is_refused(report: str) -> None:
    with pytest.raises(InstallFailed, match="cannot be read"):
        wheels_in(report)


def test_unpacked_size_is_that_of_the_contents(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "a", "1", {"a.bin": b"x" * 5000})
    assert 5000 < unpacked_bytes([path]) < 6000
    path.write_bytes(b"no zip")
    with pytest.raises(InstallFailed, match="damaged"):
        unpacked_bytes([path])
