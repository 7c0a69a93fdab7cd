"""Following one person: a performer who sways, bystanders who walk, detectors that blink."""

from __future__ import annotations

import numpy as np
import pytest

from viodat.pose2d import choose_person

BODY = np.random.default_rng(7).uniform([-120, -400], [120, 400], (17, 2))
MIRRORED = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]


def scene(frames: int = 60, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Show a performer of 800 px swaying about (500, 900); a bystander of 400 px walking past behind."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)
    performer = BODY + np.stack([500 + 60 * np.sin(t / 8), 900 + 10 * np.cos(t / 5)], -1)[:, None]
    bystander = 0.5 * BODY[::-1] + np.stack([100 + 900 * t / frames, np.full(frames, 800.0)], -1)[:, None]
    people = np.stack([performer, bystander], 1) + rng.normal(0, 3, (frames, 2, 17, 2))
    return people, np.full((frames, 2, 17), 0.8)


def shuffled(people: np.ndarray, confidence: np.ndarray, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order = np.random.default_rng(seed).permuted(np.tile(np.arange(people.shape[1]), (len(people), 1)), axis=1)
    rows = np.arange(len(people))[:, None]
    return people[rows, order], confidence[rows, order], order


def test_the_larger_person_is_followed_whatever_the_order() -> None:
    people, confidence, order = shuffled(*scene())
    choice = choose_person(people, confidence)
    assert (order[np.arange(60), choice.index] == 0).all()
    assert choice.notes[0] == "60 of 60 frames show several people; one was followed"
    assert not any("ambiguous: another" in note for note in choice.notes)


def test_a_bystander_never_stands_in() -> None:
    people, confidence = scene()
    people[20:30, 0] = np.nan
    people, confidence, order = shuffled(people, confidence)
    choice = choose_person(people, confidence)
    chosen = np.where(choice.index < 0, -1, order[np.arange(60), choice.index])
    assert (chosen[20:30] == -1).all()
    assert (np.delete(chosen, range(20, 30)) == 0).all()
    assert "in 10 frames only other people were detected: left missing" in choice.notes


def test_a_bystander_who_is_first_and_surer_is_not_taken() -> None:
    people, confidence = scene()
    people[:8, 0] = np.nan
    confidence[:, 1] = 1.0
    choice = choose_person(people, confidence)
    assert choice.index.tolist() == [-1] * 8 + [0] * 52


def test_a_long_loss_is_bridged_when_the_person_comes_back_near() -> None:
    people, confidence = scene(700)
    people[100:500, 0] = np.nan
    people[:, 1] = np.nan
    choice = choose_person(people, confidence)
    assert (choice.index[:100] == 0).all()
    assert (choice.index[100:500] == -1).all()
    assert (choice.index[500:] == 0).all()


def test_left_and_right_mixed_up_is_still_the_same_person() -> None:
    people, confidence = scene()
    people[25:40, 0] = people[25:40, 0][:, MIRRORED]
    assert (choose_person(people, confidence).index == 0).all()


def test_half_hidden_and_outlying_points_do_not_lose_the_person() -> None:
    people, confidence = scene()
    rng = np.random.default_rng(9)
    people[rng.random(people.shape[:3]) < 0.5] = np.nan
    people[::7, 0, 3] = [5000.0, 5000.0]
    index = choose_person(people, confidence).index
    assert (index == 0).mean() > 0.98
    assert not (index == 1).any()


def test_two_equals_are_reported() -> None:
    people, confidence = scene()
    people[:, 1] = people[:, 0] + [1500.0, 0.0]
    confidence[:, 1] = 0.79
    notes = choose_person(people, confidence).notes
    assert any("ambiguous: another person (frames 0 to 59) has 9" in note for note in notes)


def test_a_double_detection_is_reported_as_a_close_call() -> None:
    people, confidence = scene()
    people[30, 1] = people[30, 0] + 2.0
    assert any("in 1 frames two detections" in note for note in choose_person(people, confidence).notes)


def test_nobody_anywhere() -> None:
    choice = choose_person(np.full((5, 2, 17, 2), np.nan), np.full((5, 2, 17), np.nan))
    assert choice.index.tolist() == [-1] * 5
    assert choose_person(np.empty((3, 0, 17, 2)), np.empty((3, 0, 17))).index.tolist() == [-1] * 3


def test_shapes_are_held() -> None:
    with pytest.raises(ValueError, match="expected"):
        choose_person(np.zeros((5, 17, 2)), np.zeros((5, 17)))
