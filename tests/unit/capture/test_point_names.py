from __future__ import annotations

import pytest

from viodat.capture.point_names import PointKind, classify, is_unlabelled

M, V, O, U = PointKind.MARKER, PointKind.VIRTUAL, PointKind.OUTPUT, PointKind.UNLABELLED  # noqa: E741


def kinds(*labels, **arguments):
    return classify(labels, **arguments)


@pytest.mark.parametrize(
    "label",
    ["LFEO", "RTIO", "PELO", "TRXO", "HEDO", "LHJC", "RAJC", "LHJCHarrington", "CentreOfMass", "CenterOfMassFloor"],
)
def test_computed_points(label):
    assert kinds(label, "LASI") == (V, M)


def test_axis_points_need_company():
    assert kinds("LTIO", "LTIA", "LTIL", "LTIP") == (V, V, V, V)
    assert kinds("LTIP") == (M,)
    assert kinds("LTIP", "RTIO", "RTIP") == (M, V, V)


def test_oxford_foot_points_need_the_model():
    assert kinds("LTIB1", "LTIB2", "LANK1") == (M, M, M)
    assert kinds("LTIB1", "LHDF0", "projLTIB", "LTIB") == (V, V, V, M)


@pytest.mark.parametrize(
    "label", ["LASI", "LWRA", "LHLX", "LD1M", "LTOE", "LFOOT", "LIndex", "LTHI", "SCROLL", "COMB", "T10"]
)
def test_markers(label):
    assert kinds(label, "LHDF0") == (M, V)


@pytest.mark.parametrize("label", ["", "*", "*7", "*112", "Unlabeled 14", "unlabelled_3", "uname*12"])
def test_unlabelled(label):
    assert is_unlabelled(label)
    assert kinds(label) == (U,)


@pytest.mark.parametrize("label", ["U_12", "*A", "Unlabel", "C7"])
def test_labels_that_only_look_unlabelled(label):
    assert not is_unlabelled(label)


@pytest.mark.parametrize(
    "label", ["LHipAngles", "RAnklePower", "LKneeMoment", "LNormalisedGRF", "RGroundReactionForce"]
)
def test_outputs(label):
    assert kinds(label) == (O,)


def test_the_marker_set_wins():
    assert kinds("LHJC", "LTIO", "LHJC2", markers=["LHJC", "LTIO"]) == (M, M, V)
