"""The folders of a dataset that hold one Parquet file per trial or recording, and the schema of each."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from viodat.dataset import paths, schema

STREAMS: Final[dict[str, pa.Schema]] = {
    "motion": schema.MOTION,
    "video": schema.VIDEO,
    "audio": schema.AUDIO,
    **{f"audio{rate}": schema.AUDIO_OTHER_RATE for rate in paths.FEATURE_RATES_HZ if rate != 100},
    "annotations": schema.ANNOTATIONS,
}
"""By folder. Files stand in ``FOLDER/split=.../participant=.../ID.parquet``; a dataset need not have all of them."""
