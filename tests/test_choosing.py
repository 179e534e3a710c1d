"""What shows which spot was chosen for a place: lines on paper, and a page whose script needs no kernel."""

import json
import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest

from nst_utils.base.errors import InputError
from nst_utils.course import choosing, drawing

PHOTOGRAPH, PAINTING = np.full((24, 32, 3), 90, np.uint8), np.full((40, 20, 3), 200, np.uint8)
# On a grid of 4 pixels: 6x8 places, 10x5 spots.
CHOSEN = np.arange(48).reshape(6, 8)


@pytest.fixture
def shown(monkeypatch):
    """What a notebook is shown."""
    bundles = []
    for module in (choosing, drawing):
        monkeypatch.setattr(module, "display", lambda bundle, **options: bundles.append(bundle))
    return bundles


def test_boxes_lie_around_the_place_and_the_spot():
    choosing.show_choices(PHOTOGRAPH, PAINTING, CHOSEN, {"here": (1, 2)})
    middles = [
        tuple(np.add(box.get_xy(), (box.get_width() / 2, box.get_height() / 2)))
        for axis in plt.gcf().axes
        for box in axis.patches
    ]
    plt.close("all")
    # Place (1, 2) has chosen spot 10: row 2, column 0 of the painting's five columns.
    assert set(middles) == {(9.5, 5.5), (1.5, 9.5)}


def test_the_page_has_what_its_script_needs(shown):
    choosing.click_choices(PHOTOGRAPH, PAINTING, CHOSEN, CHOSEN / 48)
    choosing.click_choices(PHOTOGRAPH, PAINTING, CHOSEN)
    pages = [page.data for page in shown]
    names = [re.search(r'id="(nst-choices-\d+)"', page)[1] for page in pages]
    assert len(set(names)) == 2
    for page, name in zip(pages, names, strict=True):
        HTMLParser().feed(page)
        assert page.count(name) == 2 and "<img" not in page  # an img would be enlarged by the notebook's own click
        data = json.loads(re.search(r"const data = (\{.*\});", page)[1])
        assert data["chosen"] == CHOSEN.tolist() and (data["step"], data["columns"]) == (4, 5)
        assert data["painting"]["url"].startswith("data:image/jpeg;base64,")
    assert json.loads(re.search(r"const data = (\{.*\});", pages[0])[1])["cosines"][5][7] == 0.98


@pytest.mark.parametrize(
    ("chosen", "words"),
    [(CHOSEN.ravel(), "for each place"), (CHOSEN[:, :5], "for each place"), (CHOSEN + 9, "has 50 spots")],
)
def test_a_choice_that_does_not_fit_is_refused(chosen, words):
    with pytest.raises(InputError, match=words):
        choosing.click_choices(PHOTOGRAPH, PAINTING, chosen)
