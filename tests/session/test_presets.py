"""A saved mapping is read back as it was; an invalid or malicious file is refused."""

from __future__ import annotations

import dataclasses
import json

import pytest

from cstalk_blender.rig.mapping import presets
from cstalk_blender.rig.mapping.presets import BadPreset, Preset, PresetStore
from cstalk_blender.rig.mapping.routing import Route, Routing, Target

ROUTING = Routing(
    (
        Route("jawOpen", "shape", 'Mund "auf" 台', 0.5, -0.25),
        Route("mouthClose", "shape", 'Mund "auf" 台', -1.0),
        Route("jawOpen", "bone", "jaw:rotation_x", 0.3),
        Route("tongueOut", "property", '["tongue"]'),
    ),
    'Preset "Hero 台"',
    {Target("shape", 'Mund "auf" 台'): (0.0, 1.0)},
)
HERO = Preset("Hero 台", presets.fingerprint(["a", "b"]), "Head", ROUTING)


def test_what_is_saved_comes_back(tmp_path):
    assert presets.load(presets.save(tmp_path / "new", HERO)) == HERO


VERSION_0_1 = r"""{
 "format": 1,
 "content": "cstalk-mapping",
 "name": "Hero",
 "fingerprint": "59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138",
 "mesh": "Head",
 "routes": [
  {"channel": "jawOpen", "kind": "shape", "target": "Mund \"auf\"", "gain": 0.5, "offset": -0.25},
  {"channel": "jawOpen", "kind": "bone", "target": "jaw:rotation_x", "gain": 0.3, "offset": 0.0},
  {"channel": "tongueOut", "kind": "property", "target": "[\"tongue\"]", "gain": 1.0, "offset": 0.0}
 ],
 "bounds": [
  {"kind": "shape", "target": "Mund \"auf\"", "low": 0.0, "high": 1.0}
 ]
}
"""


def test_a_mapping_of_version_0_1_is_read_and_found_by_its_rig(tmp_path):
    (tmp_path / "Hero-59b271ae.json").write_text(VERSION_0_1, encoding="utf-8")
    found = PresetStore(tmp_path).find_or_none(presets.fingerprint(["b", "a"]), "Head")
    assert found.routing.routes == (
        Route("jawOpen", "shape", 'Mund "auf"', 0.5, -0.25),
        Route("jawOpen", "bone", "jaw:rotation_x", 0.3),
        Route("tongueOut", "property", '["tongue"]'),
    )
    assert found.routing.bounds == {Target("shape", 'Mund "auf"'): (0.0, 1.0)}


def test_fingerprint_tells_names_apart_and_order_does_not_matter():
    one = presets.fingerprint(["jawOpen", "mouthClose"])
    assert one == presets.fingerprint(["mouthClose", "jawOpen"])
    assert one != presets.fingerprint(["jawOpen"])
    assert presets.fingerprint(["ab", "c"]) != presets.fingerprint(["a", "bc"])


def test_saving_again_replaces_and_another_rig_is_kept(tmp_path):
    other = dataclasses.replace(HERO, fingerprint=presets.fingerprint(["c"]))
    paths = [presets.save(tmp_path, preset) for preset in (HERO, other, HERO)]
    assert paths[0] == paths[2] != paths[1]
    assert sorted(tmp_path.iterdir()) == sorted(paths[:2])


@pytest.mark.parametrize("name", ["../../evil", "C:\\x", "a/b", "CON", ".hidden", "*?<>|"])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    path = presets.save(tmp_path / "in", dataclasses.replace(HERO, name=name))
    assert path.parent == tmp_path / "in"
    assert [p.name for p in tmp_path.rglob("*.json")] == [path.name]
    assert PresetStore(tmp_path / "in").presets()[path].name == name


def test_shelf_finds_by_rig_and_prefers_the_same_mesh(tmp_path):
    presets.save(tmp_path, HERO)
    presets.save(tmp_path, dataclasses.replace(HERO, name="Twin", mesh="Twin"))
    presets.save(tmp_path, dataclasses.replace(HERO, name="X", fingerprint="0" * 64))
    store = PresetStore(tmp_path)
    assert store.find_or_none(HERO.fingerprint, "Head").name == "Hero 台"
    assert store.find_or_none(HERO.fingerprint, "Twin").name == "Twin"
    assert store.find_or_none(HERO.fingerprint, "Nobody") is not None
    assert store.find_or_none("f" * 64, "Head") is None


def test_shelf_sees_files_come_and_go(tmp_path):
    store = PresetStore(tmp_path / "later")
    assert store.presets() == {}
    path = presets.save(tmp_path / "later", HERO)
    assert store.presets() == {path: HERO}
    path.unlink()
    assert store.presets() == {}


def test_one_bad_file_hides_no_other(tmp_path):
    path = presets.save(tmp_path, HERO)
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    store = PresetStore(tmp_path)
    assert list(store.presets()) == [path]
    assert [p.name for p in store.refused] == ["bad.json"]


def changed(**changes):
    """Return the file of HERO with other values at its top."""
    return json.dumps(json.loads(presets.encode(HERO)) | changes).encode()


def with_route(**changes):
    """Return the file of HERO with one route that has other values."""
    return changed(routes=[{"channel": "jawOpen", "kind": "shape", "target": "a"} | changes])


BAD = {
    "empty": b"",
    "no JSON": b"\x80\x04PK",
    "deep": b"[" * 200_000,
    "list": b"[]",
    "other format": changed(format=99),
    "other content": changed(content="curves"),
    "no name": changed(name=""),
    "long name": changed(name="x" * 300),
    "name of two lines": changed(name="a\nb"),
    "half a surrogate": changed(name="\ud800"),
    "short fingerprint": changed(fingerprint="ab"),
    "fingerprint as path": changed(fingerprint="../" * 21 + "a"),
    "mesh is a number": changed(mesh=1),
    "routes are an object": changed(routes={}),
    "a route is a list": changed(routes=[[]]),
    "too many routes": changed(routes=[0] * 60_001),
    "unknown kind": with_route(kind="python"),
    "kind is a list": with_route(kind=["shape"]),
    "no channel": with_route(channel=""),
    "target is null": with_route(target=None),
    "target too long": with_route(target="x" * 256),
    "NaN": with_route(gain=float("nan")),
    "infinite": with_route(gain=float("inf")),
    "beyond all floats": with_route(gain=10**400),
    "too strong": with_route(offset=-1001),
    "gain is true": with_route(gain=True),
    "gain is text": with_route(gain="1"),
    "bounds reversed": changed(bounds=[{"kind": "shape", "target": "a", "low": 1, "high": 0}]),
    "bounds without numbers": changed(bounds=[{"kind": "shape", "target": "a"}]),
}


@pytest.mark.fault("a preset from a stranger")
@pytest.mark.parametrize("case", BAD)
def test_a_strangers_file_is_refused_with_code_and_hint(tmp_path, case):
    path = tmp_path / "stranger.json"
    path.write_bytes(BAD[case])
    with pytest.raises(BadPreset) as caught:
        presets.load(path)
    assert caught.value.code == "bad-preset"
    assert "stranger.json" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert caught.value.hint


def test_a_file_too_large_is_not_even_read(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as stream:
        stream.truncate(presets.LARGEST_FILE + 1)
    with pytest.raises(BadPreset, match="has more than"):
        presets.load(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(BadPreset, match="Cannot read"):
        presets.load(tmp_path / "gone.json")


def test_what_could_not_be_read_again_is_not_written(tmp_path):
    strong = Routing((Route("jawOpen", "shape", "a", float("inf")),))
    path = presets.save(tmp_path, HERO)
    before = path.read_bytes()
    with pytest.raises(BadPreset):
        presets.save(tmp_path, dataclasses.replace(HERO, routing=strong))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
