"""The report of a built dataset: ``reports/index.html`` and one page per trial, in HTML that opens from disk.

The pages need no network, no script and no server; they follow the reader's light or dark setting, have a
heading, caption or alternative text for everything, and escape every name: labels come from foreign files.
What a page shows is given as plain values (:class:`DatasetReport`): it computes nothing that the tables of
the dataset could disagree with. The same values give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from viodat.dataset.schema import STATUS_EXCLUDED
from viodat.files import write_text
from viodat.report import wording
from viodat.report.clocks.values import TrialClockPage
from viodat.report.evidence import MarkerEvidence
from viodat.report.html import environment, index_path, links_from, page_path
from viodat.report.take_sheet import SheetRecording


@dataclass(frozen=True)
class JointLine:
    """One joint of a trial.

    Attributes
    ----------
    joint, method
        Which one, and how it was determined; empty if it was not.
    valid
        Share of the frames in which it is (0 to 1).
    remark
        Why not, for example.
    sigma_mm
        Median over frames of its standard deviation per coordinate; NaN where the method states none.
    calibration_mm
        The part of that which is the uncertainty of its place in the skeleton.
    moved_mm
        How far the motion has moved it from where landmarks and regressions put it.
    """

    joint: str
    method: str
    valid: float
    remark: str = ""
    sigma_mm: float = float("nan")
    calibration_mm: float = float("nan")
    moved_mm: float = float("nan")


@dataclass(frozen=True)
class ExclusionLine:
    """What was left out, by which stage, why, and the number behind it (None where there is none)."""

    trial: str
    recording: str
    stage: str
    reason: str
    value: float | str | None = None
    limit: float | str | None = None


@dataclass(frozen=True)
class TrialReport:
    """One trial.

    Attributes
    ----------
    trial, participant, split, status
        As in the table of trials.
    seconds
        Duration; NaN if the markers of a trial that was left out cannot be read.
    joints
        One line per joint.
    recordings
        Every device's file with its clock.
    notes
        Sentences: what is missing and why.
    sheet_png, sheet_svg
        The drawn take sheet, anywhere in the dataset's folder; None if there is none.
    provenance
        Versions and input files.
    evidence
        Of markers and joints; None for a trial whose markers could not be read.
    clocks
        What is said of its clocks; None for a trial that was left out.
    """

    trial: str
    participant: str
    split: str
    status: str
    seconds: float
    joints: tuple[JointLine, ...] = ()
    recordings: tuple[SheetRecording, ...] = ()
    notes: tuple[str, ...] = ()
    sheet_png: Path | None = None
    sheet_svg: Path | None = None
    provenance: str = ""
    evidence: MarkerEvidence | None = None
    clocks: TrialClockPage | None = None


@dataclass(frozen=True)
class DatasetReport:
    """One built dataset.

    Attributes
    ----------
    name
        Of the dataset.
    trials
        Those that were built and those that were left out, in the order of the page.
    exclusions
        Trials and recordings that were left out.
    missing
        Streams that are missing, one line each.
    versions
        What built it: name -> version.
    open_with
        Python that opens the dataset and shows something of it.
    clocks
        The page about clocks; None if there is none.
    """

    name: str
    trials: tuple[TrialReport, ...]
    exclusions: tuple[ExclusionLine, ...] = ()
    missing: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    open_with: str = ""
    clocks: Path | None = None


def write_index(out: Path, report: DatasetReport) -> Path:
    """Write ``reports/index.html`` and ``reports/trials/<trial>.html``.

    Parameters
    ----------
    out
        Folder of the dataset.
    report
        What to show.

    Returns
    -------
    Path
        The index.

    Raises
    ------
    ValueError
        If two trials have the same name: one page would replace the other.
    """
    names = [trial.trial for trial in report.trials]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"trials: expected each name once, got more than one of {', '.join(twice)}")

    templates = environment()
    page = templates.get_template("trial.html")
    for place, trial in enumerate(report.trials):
        path = page_path(out, trial.trial)
        before = report.trials[place - 1] if place else None
        after = report.trials[place + 1] if place + 1 < len(report.trials) else None
        html = page.render(
            report=report,
            trial=trial,
            href=links_from(path),
            before=before and (before.trial, page_path(out, before.trial)),
            after=after and (after.trial, page_path(out, after.trial)),
            index=index_path(out),
        )
        write_text(path, html)

    index = index_path(out)
    html = templates.get_template("index.html").render(
        report=report,
        facts=_facts(report),
        href=links_from(index),
        pages={trial.trial: page_path(out, trial.trial) for trial in report.trials},
    )
    write_text(index, html)
    return index


def _facts(report: DatasetReport) -> list[tuple[str, str]]:
    built = [trial for trial in report.trials if trial.status != STATUS_EXCLUDED]
    left_out = {trial.trial for trial in report.trials if trial.status == STATUS_EXCLUDED}
    left_out |= {line.trial for line in report.exclusions if not line.recording}
    splits: dict[str, int] = {}
    for trial in built:
        splits[trial.split] = splits.get(trial.split, 0) + 1
    parts = [f"{wording.printable(name) or 'none'} {n:,}" for name, n in sorted(splits.items())]
    return [
        ("trials built", f"{len(built):,}"),
        ("trials left out", f"{len(left_out):,}"),
        ("performance time", wording.duration(sum(trial.seconds for trial in built))),
        ("participants", f"{len({trial.participant for trial in built}):,}"),
        ("recordings", f"{sum(len(trial.recordings) for trial in built):,}"),
        ("splits", ", ".join(parts) or wording.MISSING),
    ]
