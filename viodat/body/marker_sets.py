"""The marker sets that viodat knows, and which of them a file uses.

:data:`MARKER_SETS` is the registry: an entry added to it (:func:`register_marker_set`) is found by
:func:`detect_marker_set`, by :func:`viodat.body.joint_centres` and by the contract tests.

Sources: Vicon's Plug-in Gait and CGM2 marker guides; van Sint Jan 2007 for the anatomical landmarks; each set names
its own in ``source``, and which of its labels are viodat's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from viodat.body.marker_set import JointRule, MarkerSet, SetMarker, pig_rules, sided_segment
from viodat.body.named_joints import NAMED_LABELS
from viodat.body.plug_in_gait import SIDES
from viodat.capture.spelling import did_you_mean
from viodat.errors import ConfigError

_LEAST_COVERAGE = 0.5


def _both(stems: str, prefix: tuple[str, str] = ("L", "R")) -> tuple[str, ...]:
    return tuple(side + stem for side in prefix for stem in stems.split())


def _markers(
    static_only: bool = False, diameter_mm: float | None = None, **segments: tuple[str, ...]
) -> tuple[SetMarker, ...]:
    return tuple(
        SetMarker(label, sided_segment(segment, label), static_only, diameter_mm)
        for segment, labels in segments.items()
        for label in labels
    )


def _of_diameter(diameter_mm: float, markers: tuple[SetMarker, ...]) -> tuple[SetMarker, ...]:
    return tuple(replace(marker, diameter_mm=diameter_mm) for marker in markers)


def _midpoints(pairs: Mapping[str, str], prefix: tuple[str, str] = ("L", "R")) -> tuple[JointRule, ...]:
    return tuple(
        JointRule(f"{side}_{joint}", "midpoint", tuple(mark + stem for stem in stems.split()))
        for side, mark in zip(SIDES, prefix, strict=True)
        for joint, stems in pairs.items()
    )


def _fingers(stems: Mapping[str, str], frame: str, prefix: tuple[str, str] = ("L", "R")) -> tuple[JointRule, ...]:
    # The thumb's joint turns against the back of the hand, so the hand frame does not say where its centre
    # is.
    return tuple(
        JointRule(
            f"{side}_{joint}",
            "marker",
            (mark + stem,),
            () if joint == "thumb" else tuple(mark + s for s in frame.split()),
        )
        for side, mark in zip(SIDES, prefix, strict=True)
        for joint, stem in stems.items()
    )


_HEAD = _markers(head=("LFHD", "RFHD", "LBHD", "RBHD"))
_THORAX = _markers(thorax=("C7", "T10", "CLAV", "STRN", "RBAK"))
_ARMS = _markers(clavicle=_both("SHO"), upper_arm=_both("ELB"), wrist=_both("WRA WRB"), hand=_both("FIN"))
_ARM_TRACKING = _markers(upper_arm=_both("UPA"), forearm=_both("FRM"))
_PELVIS = _markers(pelvis=("LASI", "RASI", "LPSI", "RPSI"))
_PELVIS_SACR = _markers(pelvis=("LASI", "RASI", "SACR"))
_LEGS = _markers(thigh=_both("THI KNE"), shank=_both("TIB ANK"), foot=_both("HEE TOE"))
_WITHOUT_TRACKING = (
    *_HEAD,
    *_markers(thorax=("C7", "T10", "CLAV", "STRN")),
    *_ARMS,
    *_PELVIS,
    *_markers(thigh=_both("KNE"), shank=_both("ANK"), foot=_both("HEE TOE")),
)
_SACR_FOR_PSIS = ((("SACR",), ("LPSI", "RPSI")),)
_VICON = "Vicon, Plug-in Gait Reference Guide"
_LANDMARKS = ("L_", "R_")


def _plug_in_gait_set(
    name: str,
    description: str,
    markers: tuple[SetMarker, ...],
    more: tuple[JointRule, ...] = (),
    source: str = _VICON,
) -> MarkerSet:
    labels = [marker.label for marker in markers]
    alternates = _SACR_FOR_PSIS if "LPSI" in labels else ()
    return MarkerSet(name, description, markers, (*pig_rules(labels), *more), source, alternates)


MARKER_SETS: Final[dict[str, MarkerSet]] = {}
"""Every marker set that viodat knows, by name."""


def register_marker_set(marker_set: MarkerSet) -> None:
    """Add a marker set to :data:`MARKER_SETS`.

    Raises
    ------
    ConfigError
        Another set has this name.
    """
    if MARKER_SETS.get(marker_set.name, marker_set) != marker_set:
        raise ConfigError(f"marker set {marker_set.name!r} exists already", mend="Give the new set another name.")
    MARKER_SETS[marker_set.name] = marker_set


_BODY_MM, _SMALL_MM = 14.0, 6.4
_FULL = (*_HEAD, *_THORAX, *_ARMS, *_ARM_TRACKING, *_PELVIS, *_LEGS)
# Of markers on the styloids. Plug-in Gait's own stand on a bar at the back of the wrist, away from its centre.
_STYLOIDS = _midpoints({"wrist": "WRA WRB"})

for _entry in (
    _plug_in_gait_set("plug-in-gait", "Plug-in Gait full body, 39 markers", _FULL),
    _plug_in_gait_set(
        "plug-in-gait-35",
        "Plug-in Gait full body without the tracking markers of upper arm and forearm, 35 markers",
        (*_HEAD, *_THORAX, *_ARMS, *_PELVIS, *_LEGS),
    ),
    _plug_in_gait_set(
        "plug-in-gait-sacr",
        "Plug-in Gait full body with one sacral marker in place of LPSI and RPSI, 34 markers",
        (*_HEAD, *_THORAX, *_ARMS, *_PELVIS_SACR, *_LEGS),
    ),
    _plug_in_gait_set("plug-in-gait-legs", "Plug-in Gait lower body, 16 markers", (*_PELVIS, *_LEGS)),
    _plug_in_gait_set(
        "plug-in-gait-hands",
        "Plug-in Gait full body with markers over index and little knuckles and thumb",
        (*_FULL, *_markers(hand=_both("IDX PNK"), thumb=_both("THM"))),
        _fingers({"index": "IDX", "pinky": "PNK", "thumb": "THM"}, "WRA WRB IDX PNK"),
        source=f"{_VICON}; the names of the hand markers are viodat's own",
    ),
    _plug_in_gait_set(
        "plug-in-gait-medial",
        "Plug-in Gait full body with medial markers at elbow, knee and ankle",
        (*_FULL, *_markers(upper_arm=_both("ELM"), thigh=_both("KNM"), shank=_both("MED"))),
        _midpoints({"elbow": "ELM ELB", "wrist": "WRA WRB", "knee": "KNM KNE", "ankle": "MED ANK"}),
        source="Vicon, CGM2 (KNM, MED); the elbow's ELM is viodat's own",
    ),
    _plug_in_gait_set(
        "viodat-96",
        "Plug-in Gait with clusters, hands, violin and bow: 96 markers in takes, 6 medial ones in the static trial",
        (
            *_of_diameter(_BODY_MM, tuple(marker for marker in _FULL if not marker.segment.endswith("hand"))),
            *_markers(
                diameter_mm=_BODY_MM,
                head=("TOP",),
                thorax=("T5", "LBAK"),
                clavicle=_both("SHA SHP"),
                upper_arm=_both("UPB UPC"),
                forearm=_both("FRB FRC"),
                pelvis=_both("ILC"),
                thigh=_both("THF THB"),
                shank=_both("TUB TIF"),
                foot=_both("MT1 MT5"),
            ),
            *_markers(
                diameter_mm=_SMALL_MM,
                hand=_both("FIN HND IDX PNK"),
                index=_both("IDX2 IDX3"),
                pinky=_both("PNK2"),
                thumb=_both("THM1 THM THM3"),
                violin=("VLN1", "VLN2", "VLN3", "VLN4", "VLN5", "VLN6"),
                bow=("BOW1", "BOW2", "BOW3", "BOW4"),
            ),
            *_markers(True, _BODY_MM, upper_arm=_both("ELM"), thigh=_both("KNM"), shank=_both("MED")),
        ),
        (
            *_midpoints(
                {
                    "shoulder": "SHA SHP",
                    "elbow": "ELM ELB",
                    "wrist": "WRA WRB",
                    "knee": "KNM KNE",
                    "ankle": "MED ANK",
                }
            ),
            *_fingers({"index": "IDX", "pinky": "PNK", "thumb": "THM"}, "WRA WRB IDX PNK"),
        ),
        source="viodat's own: VioDat's 96 markers are not published",
    ),
    _plug_in_gait_set(
        "mosa",
        "MOSA's violinists: Plug-in Gait without the markers on the sides of the limbs, two on violin and bow each; "
        "34 points at 120 Hz",
        (*_WITHOUT_TRACKING, *_markers(violin=("VIOLINE", "VIOLINB"), bow=("BOWE", "BOWB"))),
        _STYLOIDS,
        source="Huang et al. 2024, MOSA: Music Motion with Semantic Annotation Dataset; the 34 names are those of the "
        "code published with it; that E is scroll and tip and B the other end is how that code uses them",
    ),
    _plug_in_gait_set(
        "telmi",
        "TELMI's violinists: 32 markers on the body, and violin and bow",
        (
            *_WITHOUT_TRACKING,
            *_markers(hand=_both("HND"), violin=("VLN1", "VLN2", "VLN3", "VLN4"), bow=("BOW1", "BOW2", "BOW3", "BOW4")),
        ),
        _STYLOIDS,
        source="Volpe et al. 2017, A Multimodal Corpus for Technology-enhanced Learning of Violin Playing, for the 32; "
        "every name here, where each marker sits and how many violin and bow have are viodat's own reading, not "
        "checked against the RepoVizz files: map the files' names in capture.toml [markers.labels]",
    ),
    MarkerSet(
        "anatomical-landmarks",
        "Bony landmarks on both sides of elbow, wrist, knee and ankle, and the knuckles; no hips or shoulders",
        _markers(
            upper_arm=_both("HLE HME", _LANDMARKS),
            wrist=_both("RSP USP", _LANDMARKS),
            hand=_both("HM2 HM5", _LANDMARKS),
            thigh=_both("FLE FME", _LANDMARKS),
            shank=_both("FAL TAM", _LANDMARKS),
        ),
        (
            *_midpoints({"elbow": "HME HLE", "wrist": "RSP USP", "knee": "FME FLE", "ankle": "TAM FAL"}, _LANDMARKS),
            *_fingers({"index": "HM2", "pinky": "HM5"}, "RSP USP HM2 HM5", _LANDMARKS),
        ),
        "van Sint Jan 2007, Color Atlas of Skeletal Landmark Definitions; Wu et al. 2002, 2005",
    ),
    MarkerSet(
        "named-joints",
        "Joint centres that a markerless or other system computed and named",
        tuple(SetMarker(label, joint) for joint, label in NAMED_LABELS.items()),
        tuple(JointRule(joint, "named", (label,)) for joint, label in NAMED_LABELS.items()),
        "Label conventions of OpenPose BODY_25, COCO, MediaPipe, Kinect and OpenSim",
    ),
):
    register_marker_set(_entry)


def get_marker_set(name: str) -> MarkerSet:
    """Give the registered marker set of that name.

    Raises
    ------
    ConfigError
        No set has this name; the message holds the nearest.
    """
    if name not in MARKER_SETS:
        raise ConfigError(f"there is no marker set {name!r}", mend=did_you_mean(name, MARKER_SETS, "marker sets"))
    return MARKER_SETS[name]


def detect_marker_set(labels: Collection[str]) -> MarkerSet | None:
    """Find the registered marker set that fits a file's labels best.

    Parameters
    ----------
    labels
        Labels of the file's markers, without subject prefix.

    Returns
    -------
    MarkerSet or None
        The set with the most markers present less markers absent, of those with at least half present; the
        one registered first if several are equal; None where no set has half its markers present.
    """
    best: MarkerSet | None = None
    best_score = float("-inf")
    for marker_set in MARKER_SETS.values():
        present, total = len(marker_set.present(labels)), len(marker_set.markers)
        if total and present >= _LEAST_COVERAGE * total and 2 * present - total > best_score:
            best, best_score = marker_set, 2 * present - total
    return best
