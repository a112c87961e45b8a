"""The report has each channel as mapped, doubtful or missing, with a reason."""

from __future__ import annotations

from cstalk_blender.rig.mapping.coverage import channel_reports, counts, merged, present
from cstalk_blender.rig.mapping.recognise import recognise
from cstalk_blender.rig.mapping.routing import Route, Routing, Target
from tests.fakes.family_names import ARKIT, LISTS

WHOLE = recognise(("Basis", *ARKIT))


def report_of(channel, recognition, routing, names, **options):
    reports = channel_reports(recognition, routing, names, **({"origin": "names"} | options))
    return next(report for report in reports if report.channel == channel)


def test_every_channel_has_one_report_in_the_order_of_the_rig():
    reports = channel_reports(WHOLE, WHOLE.routing, ARKIT, origin="names")
    assert tuple(report.channel for report in reports) == ARKIT
    assert {report.status for report in reports} == {"mapped"}
    assert sum(sum(row.values()) for row in counts(reports).values()) == 52


def test_counts_by_region_add_up():
    names = LISTS["SRanipal"][1]
    found = recognise(names)
    table = counts(channel_reports(found, found.routing, names, origin="names"))
    assert table["mouth"] == {"mapped": 15, "doubtful": 1, "missing": 7}
    assert table["brow"] == {"mapped": 0, "doubtful": 2, "missing": 3}


def test_own_rows_replace_the_routes_of_their_channel_alone():
    own = {"jawOpen": [Route("jawOpen", "shape", "mouthFunnel", 0.5)], "tongueOut": []}
    routing = merged(WHOLE.routing, own)
    assert routing.of("jawOpen") == (Route("jawOpen", "shape", "mouthFunnel", 0.5),)
    assert routing.of("tongueOut") == ()
    assert routing.of("mouthClose") == WHOLE.routing.of("mouthClose")
    assert "2 channels by hand" in routing.source
    assert merged(WHOLE.routing, {}) is WHOLE.routing


def test_own_rows_keep_the_bounds_of_the_others():
    bounds = {Target("shape", "a"): (0.0, 1.0)}
    base = Routing((Route("jawOpen", "shape", "a"),), bounds=bounds)
    assert merged(base, {"tongueOut": []}).bounds == bounds


def test_a_key_that_is_gone_makes_its_channel_missing_or_doubtful():
    routes = (Route("jawOpen", "shape", "gone"), Route("mouthClose", "shape", "gone"))
    routing = Routing((*routes, Route("jawOpen", "shape", "jawOpen")))
    jaw = report_of("jawOpen", WHOLE, routing, ARKIT, origin="preset")
    assert (jaw.status, "gone" in jaw.reason) == ("doubtful", True)
    close = report_of("mouthClose", WHOLE, routing, ARKIT, origin="preset")
    assert close.status == "missing"
    assert present(routing, ARKIT).routes == routing.routes[2:]


def test_reasons_say_who_left_a_channel_out():
    nothing = Routing(())
    by_hand = report_of("jawOpen", WHOLE, nothing, ARKIT, own={"jawOpen"})
    assert (by_hand.status, by_hand.reason, by_hand.is_own) == ("missing", "left out by hand", True)
    preset = report_of("jawOpen", WHOLE, nothing, ARKIT, origin="preset")
    assert preset.reason == "the preset leaves it out"


def test_bones_and_properties_are_never_gone():
    routing = Routing((Route("jawOpen", "bone", "jaw:rotation_x"),))
    assert report_of("jawOpen", WHOLE, routing, ARKIT, origin="preset").status == "mapped"
    assert present(routing, ()).routes == routing.routes
