"""TELMI and QUARTET from a local copy of their RepoVizz datapacks: markers, sounds and note alignments.

Every ``.xml`` below the folder whose root is ``ROOT`` is a datapack, and a datapack is a trial. RepoVizz does not say
who plays: where datapacks lie at least two folders deep (``FOLDER/person/datapack/datapack.xml``), the first folder is
the participant; all others are one participant, so that nobody crosses a split.

RepoVizz itself is no longer reached, and no copy of these data was at hand: the layout is that of RepoVizz's own
format.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from viodat.dataset.importers.card import About
from viodat.dataset.importers.marker_joints import METHODS_NOTE, MarkerJoints, joints_of
from viodat.dataset.importers.options import Imported, ImportOptions, Progress
from viodat.dataset.importers.repovizz_files import (
    Datapack,
    is_datapack,
    read_alignment,
    read_datapack,
    read_markers,
)
from viodat.dataset.importers.sources import files_below
from viodat.dataset.importers.takes import Take, contents, write_takes
from viodat.dataset.importers.trial_writer import Annotation, TrialWriter
from viodat.errors import CaptureError

_EVERYBODY: Final = "everybody"
_MOST_SOUNDS: Final = 99
_TOLD: Final = ("TITLE", "LICEN", "COPYRIGHT")
_LONG: Final = 300

_MISSING: Final = (
    "Joints wherever nothing says what the markers are: a known marker set must fit their labels, or a capture.toml "
    "given with --config says what they are. No joint was guessed; a trial without any has no `motion`.",
    METHODS_NOTE,
    "The markers themselves, those of instruments among them, and the descriptors and sensors of the datapacks "
    "(bowing, sound, muscles): the schema has no place for them. `sigma_mm`, `velocity_mm_s`, `acceleration_mm_s2` "
    "and `angles_rad` are null.",
    "Time stamps: a frame's time is its number divided by the framerate of its file. All files of a datapack are "
    "taken to begin together, as RepoVizz plays them; `sigma_ms` and `confidence` are null.",
    "The frame of reference: nothing says which axis is up.",
    "Pictures, cameras and 2D keypoints: videos were not read.",
    "Participants: RepoVizz does not name them. Folders stand for people; sex, age group, level, measurements and "
    "consent are null.",
    "`f0_hz` and `voiced` are null: pitch was not computed.",
    "A test set: here nobody is tested unless --config says who.",
)
_LICENCE: Final = (
    "not known to viodat, and RepoVizz files need not state one: the terms under which you got your copy hold for this "
    "dataset too. What a datapack itself says of it stands in the notes of its trial"
)
_TELMI: Final = About(
    format="telmi",
    name="TELMI",
    description="Violinists with markers, playing exercises: TELMI's datapacks from RepoVizz, imported into viodat's "
    "schema.",
    licence=_LICENCE,
    citation="Volpe G, Kolykhalova K, Volta E, Ghisio S, Waddell G, Alborno P, Piana S, Canepa C, Ramirez-Melendez "
    "R. A Multimodal Corpus for Technology-enhanced Learning of Violin Playing. Biannual Conference of the Italian "
    "SIGCHI Chapter (CHItaly), 2017.",
    missing=_MISSING,
    contents=contents(motion=True),
    clock="zero is the first frame and the first sample of a datapack",
    example='track = ds.audio(ds.recordings["recording"][0])',
)
_QUARTET: Final = About(
    format="quartet",
    name="QUARTET",
    description="String quartets with markers on instruments and bows, alone and together: the datapacks of QUARTET "
    "and EEP from RepoVizz, imported into viodat's schema.",
    licence=f"{_LICENCE}. The EEP datapacks (StringQuartetEEP_*): free of charge for internal non-commercial use "
    "only, no redistribution, copyright 2014 Music Technology Group, Universitat Pompeu Fabra",
    citation="Papiotis P, Marchini M, Perez-Carrillo A, Maestre E. Measuring ensemble interdependence in a string "
    "quartet through analysis of multidimensional performance data. Frontiers in Psychology, 2014, 5, 963. For EEP: "
    "Marchini M, Ramirez R, Papiotis P, Maestre E. The sense of ensemble: a machine learning approach to expressive "
    "performance modelling in string quartets. Journal of New Music Research, 2014, 43(3), 303-317.",
    missing=(
        *_MISSING,
        "Who of four plays what: a quartet's trial has one participant, which stands for all of them; microphones and "
        "alignments name the instrument in their notes and files.",
    ),
    contents=contents(motion=True),
    clock="zero is the first frame and the first sample of a datapack",
    example='notes = ds.annotations("P01T01").query("kind == \'note\'")',
)


def import_telmi(source: Path, folder: Path, options: ImportOptions, progress: Progress) -> Imported:
    """Write TELMI's datapacks as a dataset of viodat's schema.

    Parameters
    ----------
    source
        The folder of the datapacks, unpacked.
    folder
        An empty folder; the manifest is written last.
    options
        Rates of the audio frame, capture.toml.
    progress
        Called after each datapack.

    Raises
    ------
    CaptureError
        If no XML below ``source`` is a datapack.
    DatasetError
        If not one datapack can be imported.
    """
    return _import(_TELMI, source, folder, options, progress)


def import_quartet(source: Path, folder: Path, options: ImportOptions, progress: Progress) -> Imported:
    """Write the datapacks of QUARTET or EEP as a dataset of viodat's schema; as :func:`import_telmi`."""
    return _import(_QUARTET, source, folder, options, progress)


def _import(about: About, source: Path, folder: Path, options: ImportOptions, progress: Progress) -> Imported:
    names = [name for name in files_below(source) if name.lower().endswith(".xml")]
    packs: list[tuple[str, Callable[[TrialWriter], None]]] = []
    notes, good = [], 0
    for name in names:
        try:
            if not is_datapack(source / name):
                notes.append(f"{name} is another kind of XML; it was not read")
                continue
            pack = read_datapack(source / name)
        except CaptureError as error:
            packs.append((name, partial(_refuse, error)))
            continue
        good += 1
        packs.append((name, partial(_write, pack, name)))
    if not good:
        why = f"; {packs[0][0]!s} cannot be read" if packs else ""
        raise CaptureError(
            f"holds no RepoVizz datapack, an XML whose root is ROOT{why}",
            where=source,
            mend="Name the folder of the datapacks, unpacked.",
        )
    takes = [Take(_person(name), name.removesuffix(".xml"), write) for name, write in packs]
    return write_takes(about, takes, source, folder, options, progress, notes)


def _person(name: str) -> str:
    """Folder that stands for who plays: the first of at least two above the datapack's own files."""
    parts = name.split("/")
    return parts[0] if len(parts) > 2 else _EVERYBODY


def _refuse(error: CaptureError, trial: TrialWriter) -> None:
    raise error


def _write(pack: Datapack, name: str, trial: TrialWriter) -> None:
    place = name.rpartition("/")[0]
    prefix = f"{place}/" if place else ""
    path = trial.use(name)
    markers = read_markers(pack, path, lambda file: trial.use(f"{prefix}{file}"))
    joints = None if markers is None else joints_of(markers, trial.config)
    for file in pack.alignments:
        trial.annotate(_alignment(f"{prefix}{file}", trial))
    trial.notes += [f"{category}: {text[:_LONG]}" for category, text in pack.texts if category.startswith(_TOLD)]
    trial.notes += pack.notes
    if isinstance(joints, MarkerJoints):
        trial.motion(joints, name)
    elif joints is not None and markers is not None:
        trial.notes += [*markers.notes, joints]
    for number, (file, said) in enumerate(pack.sounds[:_MOST_SOUNDS], 1):
        trial.sound(f"M{number:02d}", f"{prefix}{file}", [said] if said else [])


def _alignment(name: str, trial: TrialWriter) -> list[Annotation]:
    try:
        return read_alignment(trial.use(name), name)
    except CaptureError as error:
        trial.notes.append(f"annotation left out: {error}")
        return []
