"""The sentences of a result report: what stands at the top, what an interval is of, what was trained and tested on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from viodat.report.results.values import MAIN, Results, best, decimals, fixed, known, score
from viodat.report.wording import count, percent, printable


def participants_of(results: Results, split: str = "test") -> list[str]:
    """Give the participants of a split."""
    return [printable(str(name)) for name in _split(results, split).get("participants") or ()]


def _split(results: Results, split: str) -> Mapping[str, Any]:
    return (results.get("dataset") or {}).get(split) or {}


def top_sentence(results: Results) -> str:
    """Say which model is best, by how much over the best floor, and on how many participants."""
    people = participants_of(results)
    on = f"on {count(len(people), 'participant')}" if people else "on participants that are not named"
    model, floor = best(results, floor=False), best(results, floor=True)
    if model is None and floor is None:
        return f"No model has an MPJPE {on}."
    leader = best(results) or {}
    value = score(leader)
    digits = decimals([value])
    name = printable(str(leader["label"]))
    size = f"{fixed(value, digits)} mm"
    if model is None:
        return f"Only floors were run: the best of them, {name}, has an MPJPE of {size} {on}."
    if floor is None:
        return f"{name} has the lowest MPJPE, {size}, {on}; no floor was run beside it."
    model_value, floor_value = score(model) or 0.0, score(floor) or 0.0
    apart = abs(floor_value - model_value)
    if leader is floor or not apart:
        said = (
            f"No model beats the floors: {printable(str(floor['label']))} has an MPJPE of "
            f"{fixed(floor_value, digits)} mm, the best model, {printable(str(model['label']))}, "
            f"{fixed(model_value, digits)} mm, {on}"
        )
    else:
        share = f" ({percent(apart / floor_value)})" if floor_value else ""
        said = (
            f"{name} has the lowest MPJPE, {size}: {fixed(apart, digits)} mm{share} less than the best floor, "
            f"{printable(str(floor['label']))}, {on}"
        )
    return f"{said}{_tie_words(results, str(model['label']), str(floor['label']))}."


def _tie_words(results: Results, first: str, second: str) -> str:
    for pair in results.get("comparisons") or ():
        same = {str(pair["first"]), str(pair["second"])} == {first, second} and pair["metric"] == MAIN
        if same and (pair.get("truth") or {}).get("tie"):
            return "; the truth's own error is large enough to decide between the two, so they count as tied"
    return ""


def interval_sentence(results: Results) -> str:
    """Say what the intervals are of, and what they do not claim."""
    people = participants_of(results)
    n = len(people)
    kind = results.get("interval_of")
    if kind == "participants":
        return (
            f"In brackets: 95 % bootstrap intervals of the mean over the {n} participants. They speak of players like "
            "these, recorded and detected in the same way; they claim nothing about other instruments, rooms, cameras "
            "or detectors."
        )
    if kind == "recordings":
        people_words = "this one participant" if n == 1 else f"these {n} participants"
        return (
            f"In brackets: 95 % bootstrap intervals over the recordings of {people_words}. They say how much a number "
            "hangs on which of their recordings were taken; they claim nothing about other people."
        )
    return "No intervals are given: nothing here says how much a number would change on other recordings or people."


def split_rows(results: Results) -> list[tuple[str, str, str, str]]:
    """Give split, recordings, trials and participants of each split that is told of."""
    rows = []
    for split in ("train", "validation", "test"):
        told = _split(results, split)
        if not told:
            continue
        numbers = [known(told.get(key)) for key in ("recordings", "trials")]
        people = participants_of(results, split)
        named = f"{len(people)}: {', '.join(people)}"
        rows.append((split, fixed(numbers[0], 0), fixed(numbers[1], 0), named))
    return rows


def division_sentences(results: Results) -> list[str]:
    """Say how training, validation and test were divided, as far as that bounds what the numbers mean."""
    folds = {
        "participant": "Every participant was tested by models trained on the others (leave one participant out): the "
        "folds share training data, so that their values are not independent of each other.",
        "camera": "Every camera was tested by models trained on the others (leave one camera out): a diagnostic of the "
        "viewpoint, by players who were in no training.",
        "dataset": "Training and test are the dataset's own splits.",
    }.get(str(results.get("folds")))
    validation = {
        "trial": "Validation is by whole trials of the training participants.",
        "participant": "Validation is by participants who are in neither training nor test.",
        "window": "Validation is by windows of the training trials, and so flatters.",
    }.get(str(results.get("validation")))
    return [sentence for sentence in (folds, validation) if sentence]


def truth_text(truth: Mapping[str, Any] | None) -> str:
    """Say whether the truth's own error may have decided a comparison."""
    if not truth:
        return "not checked"
    flips, unstated = known(truth.get("flips")), known(truth.get("unstated"))
    if flips is None:
        return "not known: the truth states no sigma"
    said = f"{'tie' if truth.get('tie') else 'no tie'}: the sign flips in {percent(flips)} of the draws"
    return f"{said}, {percent(unstated)} of the truth without sigma" if unstated else said


def definitions(results: Results) -> str:
    """Name the source of each metric's definition."""
    told = [
        f"{metric.get('title') or metric['name']} ({metric['reference']})"
        for metric in results.get("metrics") or ()
        if metric.get("reference")
    ]
    return printable(", ".join(told))
