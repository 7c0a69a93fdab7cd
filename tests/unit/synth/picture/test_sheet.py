from __future__ import annotations

import cv2
import numpy as np
import pytest

from viodat.errors import ConfigError
from viodat.synth.picture.sheet import contact_sheet


def plain(value, size=(90, 160)):
    return np.full((*size, 3), value, np.uint8)


def test_pictures_lie_in_rows_and_columns_in_true_colours(tmp_path):
    images = [[plain((200, 10, 10)), plain((10, 200, 10))], [plain((10, 10, 200)), plain((90, 90, 90), (180, 320))]]
    contact_sheet(images, tmp_path / "sheet.png", ["C01", "C02"], ["0 s", "1 s"], width_px=160)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))[..., ::-1]
    found = {}
    for row in images:
        for image in row:
            ys, xs = np.nonzero((sheet == image[0, 0]).all(axis=-1))
            assert ys.size == 90 * 160
            found[tuple(image[0, 0])] = ys.mean(), xs.mean()
    (a, b), (c, d) = ([found[tuple(image[0, 0])] for image in row] for row in images)
    assert a[0] == b[0] < c[0] == d[0]
    assert a[1] == c[1] < b[1] == d[1]
    assert sheet[: int(a[0]) - 45].min() < 120, "labels above"
    assert sheet[:, : int(a[1]) - 80].min() < 120, "labels at the left"


@pytest.mark.parametrize("images", [[], [[]], [[plain(1)], [plain(1), plain(2)]]])
def test_ragged_rows_are_refused(images, tmp_path):
    with pytest.raises(ConfigError, match="ragged"):
        contact_sheet(images, tmp_path / "sheet.png")
    assert not list(tmp_path.iterdir())


def test_labels_must_fit(tmp_path):
    with pytest.raises(ConfigError, match="2 labels for 1"):
        contact_sheet([[plain(1)]], tmp_path / "sheet.png", ["C01", "C02"])
