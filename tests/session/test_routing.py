"""The value of a target is the sum of its routes, within its bounds."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.package import track
from cstalk_blender.rig.mapping import routing
from cstalk_blender.rig.mapping.routing import Route, Routing, Target

VALUES = np.array([[0.0, 0.5], [1.0, 0.25]], np.float32)
CHANNELS = ("jawOpen", "mouthClose")
AA, PP = Target("shape", "aa"), Target("shape", "PP")


def named(*pairs):
    """Return a routing of one shape key per channel."""
    return Routing(tuple(Route(channel, "shape", name) for channel, name in pairs))


def test_several_channels_add_up_on_one_target():
    routes = (Route("jawOpen", "shape", "aa", 0.5), Route("mouthClose", "shape", "aa", -1.0))
    found = routing.evaluate(Routing(routes), VALUES, CHANNELS)
    np.testing.assert_allclose(found[AA], [-0.5, 0.25])


def test_one_channel_moves_several_targets():
    routes = (Route("jawOpen", "shape", "aa"), Route("jawOpen", "bone", "jaw", 0.3))
    found = routing.evaluate(Routing(routes), VALUES, CHANNELS)
    np.testing.assert_allclose(found[AA], [0.0, 1.0])
    np.testing.assert_allclose(found[Target("bone", "jaw")], [0.0, 0.3], rtol=1e-6)


def test_offsets_add_up_and_bounds_come_last():
    routes = (Route("jawOpen", "shape", "aa", 2.0, 0.1), Route("mouthClose", "shape", "aa", 1, 0.1))
    found = routing.evaluate(Routing(routes, bounds={AA: (0.0, 1.0)}), VALUES, CHANNELS)
    np.testing.assert_allclose(found[AA], [0.7, 1.0], rtol=1e-6)


def test_plain_pairs_pass_curves_on_bit_for_bit():
    values = np.random.default_rng(0).random((50, 2), np.float32)
    curves = track.CurveTrack(values, CHANNELS, 60.0)
    found = routing.evaluate_track(named(("jawOpen", "aa"), ("mouthClose", "PP")), curves)
    np.testing.assert_array_equal(np.stack([found[AA], found[PP]], axis=1), values)


def test_target_that_nothing_of_the_track_moves_is_left_out():
    routes = (Route("tongueOut", "shape", "aa", 1.0, 0.5), Route("jawOpen", "shape", "PP"))
    assert list(routing.evaluate(Routing(routes), VALUES, CHANNELS)) == [PP]


def test_missing_channel_counts_as_zero_beside_one_that_is_there():
    routes = (Route("tongueOut", "shape", "aa", 1.0, 0.5), Route("jawOpen", "shape", "aa"))
    found = routing.evaluate(Routing(routes), VALUES, CHANNELS)
    np.testing.assert_allclose(found[AA], [0.5, 1.5])


def test_matrix_and_its_routes_are_the_same_map():
    matrix = np.array([[1.0, -0.5], [0.0, 2.0]])
    made = routing.from_matrix(matrix, CHANNELS, [AA, PP], source="solved")
    assert len(made.routes) == 3
    found = routing.evaluate(made, VALUES, CHANNELS)
    np.testing.assert_allclose(np.stack([found[AA], found[PP]], 1), VALUES @ matrix.T, rtol=1e-6)


@pytest.mark.parametrize("matrix", [np.ones((2, 3)), np.array([[1.0, np.nan], [0.0, 0.0]])])
def test_matrix_that_does_not_fit_is_refused(matrix):
    with pytest.raises(ValueError, match="gain"):
        routing.from_matrix(matrix, CHANNELS, [AA, PP])


def test_a_routing_without_routes_is_false():
    assert not Routing(())
    assert Routing((Route("jawOpen", "shape", "aa"),))


def test_routes_are_found_by_channel_and_by_target():
    made = named(("jawOpen", "aa"), ("mouthClose", "aa"), ("jawOpen", "PP"))
    assert [route.target for route in made.of("jawOpen")] == ["aa", "PP"]
    assert [route.channel for route in made.to(AA)] == ["jawOpen", "mouthClose"]
    assert (made.channels, made.shape_names) == (CHANNELS, ("aa", "PP"))
