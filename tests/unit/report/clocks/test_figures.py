"""The figures about clocks: what they choose to show, and that anything that is told can be drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWNBASE, CARETUPBASE

from tests.unit.report.clocks.samples import clock_line, clock_page, trial_clocks, trial_views
from viodat.report.clocks import capture_figures, evidence_figure, overlay_figures, sigma_figure
from viodat.report.clocks.capture_figures import draw_devices
from viodat.report.clocks.evidence_figure import draw_evidence
from viodat.report.clocks.from_estimate import evidence_rows
from viodat.report.clocks.marks import UP, looks, outline
from viodat.report.clocks.overlay_figures import (
    bow_turns,
    draw_playing,
    draw_wrists,
    kept_s,
    median_apart_px,
    median_speed_px_s,
    telling_stretch,
)
from viodat.report.clocks.sigma_figure import draw_sigmas
from viodat.report.clocks.values import CaptureClocks, DevicePool
from viodat.report.clocks.views import EvidenceRow, EvidenceView, PlayingView
from viodat.report.style import new_figure

NAN = float("nan")


@pytest.fixture
def drawn(monkeypatch):
    """Keep figures instead of writing them: what is drawn is looked at, not the file."""
    figures: list[Figure] = []

    def kept(size_in):
        figure = new_figure(size_in)
        figure.clear = lambda keep_observers=False: None
        figures.append(figure)
        return figure

    for module in (evidence_figure, overlay_figures, capture_figures, sigma_figure):
        monkeypatch.setattr(module, "new_figure", kept)
        monkeypatch.setattr(module, "save_figure", lambda figure, path: None)
    return figures


def texts(figure: Figure) -> str:
    return " | ".join(text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text")))


def test_devices_look_different_and_keep_their_look():
    names = [f"C{k:02d}" for k in range(50)]
    assert len({(look.colour, look.mark) for look in looks(names).values()}) == 50
    assert looks(names[:3]) == {name: looks(names)[name] for name in names[:3]}


def test_an_outline_keeps_the_height_of_thin_peaks():
    x = np.linspace(-10, 10, 40_001)
    y = np.where(np.arange(len(x)) == 12_345, 50.0, np.sin(x))
    thin_x, thin_y = outline(x, y, 300)
    assert len(thin_x) <= 300
    assert thin_y.max() == 50.0
    assert thin_x[np.argmax(thin_y)] == x[12_345]
    assert (np.diff(thin_x) > 0).all()
    assert outline(x[:5], y[:5], 300)[0] == pytest.approx(x[:5])


def test_an_outline_leaves_out_what_is_missing():
    x, y = outline(np.arange(4.0), np.array([1.0, NAN, 3.0, 2.0]), 10)
    assert x.tolist() == [0.0, 2.0, 3.0]
    assert np.isfinite(y).all()


def test_turns_are_where_the_bow_goes_back_on_the_string():
    times = np.arange(0, 4, 0.01)
    view = PlayingView(times, 300 * np.sin(2 * np.pi * (times + 0.1003)), np.where(times < 2, 1.0, 0.0))
    assert bow_turns(view) == pytest.approx([0.3997, 0.8997, 1.3997, 1.8997], abs=1e-3)


def test_a_bow_that_rests_does_not_turn():
    rng = np.random.default_rng(5)
    times = np.arange(0, 4, 0.01)
    resting = PlayingView(times, rng.normal(0, 5, len(times)), np.ones(len(times)))
    assert len(bow_turns(resting)) == 0
    trembling = np.where(times < 2, 200.0, -200.0) * (np.abs(times - 2) > 0.03) + rng.normal(0, 3, len(times))
    assert len(bow_turns(PlayingView(times, trembling, np.ones(len(times))))) == 1
    assert len(bow_turns(PlayingView(times[:2], trembling[:2], np.ones(2)))) == 0


def test_the_stretch_is_where_the_bow_turns():
    first, last = telling_stretch(trial_views(40.0), 6.0)
    assert last - first == pytest.approx(6.0)
    # The bow turns in the second half only; of stretches with as many turns the one nearest the middle is shown.
    assert 20.0 <= first <= 22.0
    assert telling_stretch(trial_views(4.0), 6.0) == pytest.approx((1.0, 4.99))
    middle = telling_stretch(replace(trial_views(40.0), playing=None), 6.0)
    assert sum(middle) / 2 == pytest.approx(21.0, abs=0.01)


def test_the_right_clock_brings_the_wrists_together():
    view = trial_views().wrists[0]
    before, after = (median_apart_px(view, timing) for timing in view.timings)
    assert after < 0.1
    assert before > 50
    late = replace(view.timings[0], times_s=view.timings[0].times_s + 1000)
    assert np.isnan(median_apart_px(view, late))


def test_evidence_is_drawn_row_by_row(drawn, tmp_path):
    views = replace(trial_views(), devices=("C01", "C02", "C03"), evidence=evidence_rows(trial_clocks(), (1.0, 13.0)))
    draw_evidence(views, tmp_path / "a.png")
    said = texts(drawn[0])
    for word in ("Playing", "Clap seen", "Sound against sound", "C03", "dashed: no answer"):
        assert word in said
    assert len(drawn[0].axes) == 3 * 4


def test_what_is_far_from_the_answer_is_an_arrow(drawn, tmp_path):
    near = EvidenceView("C01", apart_s=np.array([0.001]), sigma_s=np.array([0.01]), log_odds=np.array([9.0]), chosen=0)
    far = replace(near, device="C02", apart_s=np.array([3.0]), chosen=None)
    row = EvidenceRow("Playing", "", (near, far), np.array([1.0, 13.0]), np.array([0.002, 0.002]))
    draw_evidence(replace(trial_views(), evidence=(row,)), tmp_path / "a.png")
    whole = drawn[0].axes[3]
    low, high = whole.get_ylim()
    assert high < 100
    arrows = [line for line in whole.lines if line.get_marker() is UP]
    assert len(arrows) == 1
    assert low < arrows[0].get_ydata()[0] <= high


def test_a_mark_is_filled_only_where_it_was_believed(drawn, tmp_path):
    one = EvidenceView("C01", apart_s=np.array([0.001]), sigma_s=np.array([0.01]), log_odds=np.array([9.0]), chosen=0)
    doubted = replace(one, device="C02", apart_s=np.array([0.065]), belief=0.21)
    assert (one.used, doubted.used) == (0, None)
    row = EvidenceRow("Playing", "", (one, doubted), np.array([1.0, 13.0]), np.array([0.002, 0.003]))
    draw_evidence(replace(trial_views(), evidence=(row,)), tmp_path / "a.png")
    near = drawn[0].axes[0]
    fills = {line.get_marker(): line.get_markerfacecolor() for line in near.lines if line.get_marker() in "os"}
    assert fills["o"] != "white"
    assert fills["s"] == "white"
    assert "sigma of the answer: 2 to 3 ms" in texts(drawn[0])


def test_what_was_before_the_trial_is_not_drawn_beside_its_panel(drawn, tmp_path):
    windows = {"times_s": np.array([-9.0, 5.0]), "left_s": np.array([3.0, 0.0]), "left_sigma_s": np.array([1e-3, 1e-3])}
    one = EvidenceView("C01", apart_s=np.zeros(1), sigma_s=np.array([0.01]), log_odds=np.ones(1), chosen=0, **windows)
    views = replace(trial_views(), evidence=(EvidenceRow("Playing", "", (one,)),))
    draw_evidence(views, tmp_path / "a.png")
    over_time = drawn[0].axes[2]
    drawn_at = [x for line in over_time.lines if line.get_transform() == over_time.transData for x in line.get_xdata()]
    assert min(drawn_at) >= views.start_s


def test_an_error_bar_that_is_longer_than_the_panel_has_a_head(drawn, tmp_path):
    at = np.array([0.0])
    windows = {"times_s": np.array([5.0]), "left_s": at, "left_sigma_s": np.array([0.001])}
    one = EvidenceView("C01", apart_s=at, sigma_s=np.array([0.05]), log_odds=np.array([9.0]), chosen=0, **windows)
    draw_evidence(replace(trial_views(), evidence=(EvidenceRow("Playing", "", (one,)),)), tmp_path / "a.png")
    whole = drawn[0].axes[3]
    heads = [line.get_ydata()[0] for line in whole.lines if line.get_marker() in (CARETUPBASE, CARETDOWNBASE)]
    assert sorted(heads) == pytest.approx(whole.get_ylim())
    assert abs(heads[0]) < 50


def test_bow_and_sound_are_drawn_with_gaps_and_without_devices(drawn, tmp_path):
    views = trial_views()
    playing = views.playing
    gappy = replace(playing, speed_mm_s=np.where(playing.times_s < 9, np.nan, playing.speed_mm_s), from_markers=False)
    draw_playing(replace(views, playing=gappy), tmp_path / "a.png")
    draw_playing(replace(views, playing=replace(playing, levels=())), tmp_path / "b.png")
    nothing = replace(playing, speed_mm_s=np.full(len(playing.times_s), np.nan))
    draw_playing(replace(views, playing=nothing), tmp_path / "c.png")
    assert "the bow has no markers" in texts(drawn[0])
    # Once per turn and panel, and the line of zero.
    turns = [line for line in drawn[1].axes[1].lines if len(line.get_xdata()) == 2]
    assert len(turns) > 8


def test_the_level_that_the_bow_predicts_falls_where_it_turns(drawn, tmp_path):
    draw_playing(trial_views(), tmp_path / "a.png")
    times, predicted = drawn[0].axes[2].collections[0].get_paths()[0].vertices.T
    late = (times > 8) & (predicted > -80)
    away = np.abs((times - 1.0) % 0.5 - 0.25)
    # 300 mm/s is the fastest: 0 dB; what is left while it turns is the noise of the room.
    assert predicted[late & (away < 0.004)] == pytest.approx(0.0, abs=0.2)
    assert predicted[late & (away > 0.246)].max() < -20


def test_a_room_makes_dips_later_by_its_decay():
    playing = trial_views().playing
    assert np.isnan(kept_s(playing))

    def room(decay_s: float) -> PlayingView:
        return replace(playing, levels=tuple(replace(level, decay_s=decay_s) for level in playing.levels))

    assert kept_s(room(1e-4)) == pytest.approx(0.0, abs=0.011)
    assert 0.011 < kept_s(room(0.03)) < kept_s(room(0.1)) < 0.1


def test_each_recording_has_its_own_limit(drawn, tmp_path):
    lines = (
        clock_line("C01", limit_s=1 / 120),
        clock_line("C02"),
        clock_line("M01", picture_sigma_s=NAN, limit_s=0.016),
    )
    capture = CaptureClocks("lab", (clock_page("P05T01", *lines),), "auto")
    draw_devices(capture, tmp_path / "a.png")
    limits = [
        {float(y) for line in axes.lines if line.get_linestyle() == "--" for y in np.asarray(line.get_ydata())}
        for axes in drawn[0].axes[2::3]
    ]
    assert [one.pop() for one in limits] == pytest.approx([25 / 3, 50 / 3, 16.0])
    assert limits == [set()] * 3
    draw_sigmas(capture, tmp_path / "b.png")
    sound, pictures = (
        [float(line.get_xdata()[0]) for line in axes.lines if line.get_linestyle() == "--"]
        for axes in drawn[1].axes[:2]
    )
    # The sound of a phone is not judged, a microphone's is.
    assert sound == pytest.approx([16.0])
    assert pictures == pytest.approx([8.3, 17.0])


def test_wrists_are_drawn_by_each_account_and_what_is_not_shown_is_counted(drawn, tmp_path):
    views = trial_views(devices=tuple(f"C{k:02d}" for k in range(10)))
    draw_wrists(views, tmp_path / "a.png")
    assert len(drawn[0].axes) == 8 * 2
    said = texts(drawn[0])
    assert "2 more cameras not shown" in said
    assert "before · median" in said
    one = replace(views.wrists[0], timings=views.wrists[0].timings[1:])
    draw_wrists(replace(views, wrists=(one,)), tmp_path / "b.png")
    assert len(drawn[1].axes) == 1


def test_what_a_skew_moves_is_said(drawn, tmp_path):
    view = trial_views().wrists[0]
    # 80 px to either side once per second: the median speed is 2π · 80 / √2.
    assert median_speed_px_s(view) == pytest.approx(355, rel=0.02)
    before = replace(view.timings[0], words="without its skew", apart_s=-0.01)
    draw_wrists(replace(trial_views(), wrists=(replace(view, timings=(before, view.timings[1])),)), tmp_path / "a.png")
    assert "without its skew of −10 ms, which is 3.6 px" in texts(drawn[0])


def capture_of(n: int, devices: tuple[str, ...] = ("C01", "C02"), **changes) -> CaptureClocks:
    pages = tuple(
        clock_page(f"P{5 + k // 12:02d}T{1 + k % 12:02d}", *(clock_line(d, **changes) for d in devices))
        for k in range(n)
    )
    pools = tuple(DevicePool(d, 42.0, 3.0, -0.019, 0.002) for d in devices)
    return CaptureClocks("lab", pages, "auto", pools)


@pytest.mark.parametrize(("n", "named"), [(1, "P05T01"), (160, "P05")])
def test_one_trial_and_a_hundred_and_sixty_are_drawn(drawn, tmp_path, n, named):
    draw_devices(capture_of(n), tmp_path / "a.png")
    draw_sigmas(capture_of(n), tmp_path / "b.png")
    assert len(drawn[0].axes) == 2 * 3
    assert named in [label.get_text() for label in drawn[0].axes[-1].get_xticklabels()]
    assert f"{2 * n}" in [text.get_text() for text in drawn[1].axes[-1].texts]


def test_an_outlier_does_not_hide_the_others(drawn, tmp_path):
    capture = capture_of(10, ("C01", "C02", "C03"))
    wandering = tuple(
        replace(trial, clocks=(*trial.clocks[:2], clock_line("C03", alone_skew_s=0.3 * k, alone_skew_sigma_s=0.006)))
        for k, trial in enumerate(capture.trials)
    )
    draw_devices(replace(capture, trials=wandering), tmp_path / "a.png")
    low, high = drawn[0].axes[1].get_ylim()
    assert high - low < 100
    arrows = [line for line in drawn[0].axes[7].lines if line.get_marker() is UP]
    assert arrows[0].get_xdata().tolist() == list(range(1, 10))


def test_what_nobody_knows_is_said(drawn, tmp_path):
    unknown = capture_of(
        2, drift_ppm=NAN, skew_s=NAN, alone_drift_ppm=NAN, alone_skew_s=NAN, sigma_s=NAN, picture_sigma_s=NAN,
        confidence=NAN, offset_s=NAN, limit_s=NAN,
    )  # fmt: skip
    unknown = replace(unknown, pools=())
    draw_devices(unknown, tmp_path / "a.png")
    draw_sigmas(unknown, tmp_path / "b.png")
    assert texts(drawn[0]).count("unknown") == 4
    assert texts(drawn[0]).count("no sigma was stated") == 2
    assert "not asked" in texts(drawn[1])


def test_what_was_not_read_is_not_without_an_answer(drawn, tmp_path):
    capture = capture_of(3)
    lost = {"offset_s": NAN, "sigma_s": NAN, "picture_sigma_s": NAN, "confidence": NAN}
    trials = (
        replace(capture.trials[0], clocks=(clock_line("C01", **lost, status="excluded"), clock_line("C02", **lost))),
        *capture.trials[1:],
    )
    draw_devices(replace(capture, trials=trials), tmp_path / "a.png")
    said = texts(drawn[0])
    assert "× no answer" in said
    assert "+ not read" in said
    marks = [{line.get_marker() for line in axes.lines if len(line.get_xdata())} for axes in drawn[0].axes[2::3]]
    assert ["+" in one for one in marks] == [True, False]
    assert ["x" in one for one in marks] == [False, True]
    draw_sigmas(replace(capture, trials=trials), tmp_path / "b.png")
    names = [label.get_text() for label in drawn[1].axes[-1].get_yticklabels()]
    assert names[-2:] == ["not asked", "not read"]


def test_a_microphone_has_no_pictures_to_have_a_skew(drawn, tmp_path):
    mute = {"skew_s": NAN, "alone_skew_s": NAN}
    lines = (clock_line("C01", **mute, sigma_s=NAN), clock_line("M01", **mute, picture_sigma_s=NAN))
    draw_devices(CaptureClocks("lab", (clock_page("P05T01", *lines),), "auto"), tmp_path / "a.png")
    said = [[text.get_text() for text in axes.texts] for axes in drawn[0].axes[1::3]]
    assert said == [["no sound"], ["no pictures"]]


def test_many_devices_are_counted(drawn, tmp_path):
    draw_devices(capture_of(1, tuple(f"C{k:02d}" for k in range(26))), tmp_path / "a.png")
    assert len(drawn[0].axes) == 24 * 3
    assert "2 more devices" in texts(drawn[0])
