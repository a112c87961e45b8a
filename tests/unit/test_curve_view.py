"""The curve view draws each peak, at the pixel of its frame, and no label over another."""

from __future__ import annotations

import itertools
import wave

import numpy as np
import pytest

from cstalk_blender.direct import curve_view, ranges, waveform
from cstalk_blender.direct.curve_view import View

VIEW = View(left=100, right=1100, bottom=8, scale=1, first_frame=1, last_frame=241)


def test_pixels_and_frames_are_inverse():
    for frame in (1.0, 17.25, 241.0):
        assert VIEW.frame_at(VIEW.x_of(frame)) == pytest.approx(frame)
    assert VIEW.frame_at(0) == 1
    assert VIEW.frame_at(5000) == 241


def test_rows_fill_the_strip_from_below():
    rows = [VIEW.marks, VIEW.curves, VIEW.waveform, VIEW.words, VIEW.title]
    assert rows[0].bottom == VIEW.rect.bottom
    assert rows[-1].top == VIEW.rect.top
    for below, above in itertools.pairwise(rows):
        assert below.top == above.bottom
    assert VIEW.rect.contains(100, 8)
    assert not VIEW.rect.contains(99, 8)


def test_the_strip_lies_between_toolbar_and_sidebar_and_needs_room():
    view = curve_view.view_or_none(1600, (60, 300), 1.0, (1, 100))
    assert view is not None
    assert (view.left, view.right) == (68, 1292)
    assert curve_view.view_or_none(400, (60, 300), 1.0, (1, 100)) is None
    assert curve_view.view_or_none(1600, (60, 300), 1.0, (5, 5)) is None


def test_the_preview_range_limits_the_frames_where_it_meets_them():
    near = curve_view.view_or_none(1600, (0, 0), 1.0, (1, 100), within=(40, 400))
    far = curve_view.view_or_none(1600, (0, 0), 1.0, (1, 100), within=(200, 400))
    assert near is not None
    assert far is not None
    assert (near.first_frame, near.last_frame) == (40, 100)
    assert (far.first_frame, far.last_frame) == (1, 100)


@pytest.mark.parametrize("count", [2, 200, 5000, 100_000])
def test_no_peak_is_lost_however_long_the_curve_is(count):
    random = np.random.default_rng(count)
    frames = np.linspace(1, 241, count)
    for _ in range(20):
        values = np.zeros(count, np.float32)
        at = int(random.integers(count))
        values[at] = 1.0
        points = curve_view.polyline(frames, values, VIEW)
        assert len(points) <= max(2 * 1001, count if count <= 1000 else 0)
        peak = points[points[:, 1] == 1.0]
        assert len(peak) == 1
        assert abs(peak[0, 0] - VIEW.x_of(frames[at])) <= 1
        assert (np.diff(points[:, 0]) >= 0).all()
        assert points[:, 0].min() >= VIEW.left
        assert points[:, 0].max() <= VIEW.right + 1


def test_frames_outside_of_the_strip_are_left_out():
    frames = np.arange(-500.0, 800.0)
    pixels, low, high = curve_view.envelope(frames, -np.ones(1300), np.ones(1300), VIEW)
    assert pixels.min() >= 100
    assert pixels.max() <= 1100
    assert len(pixels) == len(low) == len(high) == 241
    none = curve_view.envelope(np.arange(300.0, 400.0), np.ones(100), np.ones(100), VIEW)
    assert not len(none[0])


def test_spans_are_cut_at_the_ends_and_never_empty():
    assert VIEW.span(-10, 0) is None
    assert VIEW.span(242, 300) is None
    assert VIEW.span(-10, 1000) == (100, 1100)
    left, right = VIEW.span(50, 50) or (0, 0)
    assert right - left == 1


def test_labels_never_overlap():
    random = np.random.default_rng(3)
    for _ in range(200):
        lefts = np.sort(random.uniform(0, 900, 40))
        places = [(float(left), float(random.uniform(5, 90))) for left in lefts]
        rows = curve_view.place_labels(places, 900)
        for row in range(curve_view.WORD_ROWS):
            own = [place for place, at in zip(places, rows, strict=True) if at == row]
            for (left, width), (following, _width) in itertools.pairwise(own):
                assert left + width <= following
            assert all(left + width <= 900 for left, width in own)
    assert curve_view.place_labels([(0, 10), (5, 10), (7, 10), (20, 10)], 100) == [0, 1, None, 0]


def test_runs_bounds_and_strongest():
    assert ranges.runs([]) == []
    assert ranges.runs([3, 4, 5, 9, 11, 12]) == [(3, 5), (9, 9), (11, 12)]
    values = np.array([[0, 0, -0.5], [0.2, 0, 0.5]], np.float32)
    assert curve_view.bounds_of(values) == (-0.5, 0.5)
    assert curve_view.bounds_of(values[:, :0]) == (0.0, 0.5)
    assert curve_view.strongest(values, 5) == [2, 0]
    assert curve_view.strongest(values[:, :0], 5) == []


def test_the_waveform_has_each_peak(tmp_path):
    samples = np.zeros(16_000 * 3 + 7, np.int16)
    samples[[0, 20_000, -1]] = 32767, -32768, 16384
    path = tmp_path / "line.wav"
    with wave.open(str(path), "wb") as stream:
        stream.setparams((1, 2, 16_000, 0, "NONE", ""))
        stream.writeframes(samples.tobytes())
    peaks = waveform.peaks_or_none(path)
    assert peaks is not None
    assert len(peaks.low) == len(peaks.high) == 601
    assert peaks.high[0] == pytest.approx(1.0, abs=1e-3)
    assert peaks.low[20_000 // 80] == -1.0
    assert peaks.high[-1] == 0.5
    assert np.count_nonzero(peaks.high) + np.count_nonzero(peaks.low) == 3


def test_what_is_no_wav_file_has_no_waveform(tmp_path):
    assert waveform.peaks_or_none(tmp_path) is None
    assert waveform.peaks_or_none(tmp_path / "none.wav") is None
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    assert waveform.peaks_or_none(tmp_path / "bad.wav") is None
