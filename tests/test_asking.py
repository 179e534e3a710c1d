"""Predictions and sliders: what is shown with widgets, what is there without, and questions that cannot be asked."""

import base64
import io

import ipywidgets as widgets
import matplotlib
import numpy as np
import pytest
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.course import asking, drawing, exploring

matplotlib.use("agg")
GOOD = """
[depth]
question = "Which layer?"
right = "B"
options.A = "the `first`"
options.B = "the last"
feedback.A = "It sees little."
feedback.B = "It sees much."
"""


@pytest.fixture
def shown(monkeypatch):
    """The bundles {kind: data} that are displayed."""
    bundles = []
    for module in (asking, exploring, drawing):
        monkeypatch.setattr(module, "display", lambda data, **_: bundles.append(data))
    return bundles


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Makes the text the one file of questions."""
    def write(text):
        (tmp_path / "01.toml").write_text(text)
        found = asking.questions(tmp_path)
        monkeypatch.setattr(asking, "questions", lambda: found)
        return found

    return write


def the_widget(bundle):
    return widgets.widget._instances[bundle["application/vnd.jupyter.widget-view+json"]["model_id"]]


def test_every_question_of_the_course_can_be_asked():
    for question in asking.questions().values():
        assert len(question.options) >= 3, question.name
        assert len(set(question.feedback.values())) == len(question.options), question.name


def test_the_right_answers_stand_under_different_letters():
    right = [question.right for question in asking.questions().values()]
    assert len(right) < 6 or max(right.count(letter) for letter in right) <= len(right) / 2


def test_the_text_of_a_question_does_not_tell_what_is_right(asked):
    question = asked(GOOD)["depth"]
    assert question.as_text().endswith("Which layer?\n\n- **A.** the `first`\n- **B.** the last")
    assert question.answers() == "- **B: yes.** It sees much.\n- **A: not quite.** It sees little."


def test_a_click_shows_the_word_on_that_option_and_the_next_click_replaces_it(asked, shown):
    asked(GOOD)
    asking.ask("depth")
    buttons, said = the_widget(shown[0]).children
    assert [button.description for button in buttons.children] == ["A", "B"] and not said.outputs
    words = ("**A: not quite.** It sees little.", "**B: yes.** It sees much.")
    for button, text in zip(buttons.children, words, strict=True):
        button.click()
        assert [output["data"]["text/markdown"] for output in said.outputs] == [text]
    assert [bool(button.icon) for button in buttons.children] == [False, True]


def test_a_question_can_be_answered_without_buttons(asked, shown):
    asked(GOOD)
    asking.ask("depth")
    assert 'ask("depth", ...) with one of "A", "B"' in shown[0]["text/plain"]
    asking.ask("depth", "b")
    assert shown[1]["text/plain"] == "**B: yes.** It sees much."


@pytest.mark.parametrize(
    ("arguments", "words"), [(("deep",), "no question called 'deep'"), (("depth", "C"), "A, B, not 'C'")]
)
def test_what_cannot_be_asked_is_refused(asked, arguments, words):
    asked(GOOD)
    with pytest.raises(InputError, match=words):
        asking.ask(*arguments)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [('right = "B"', 'right = "C"', "none of the options"), ('feedback.A = "It sees little."\n', "", "its feedback")],
)
def test_a_question_with_a_mistake_is_refused(asked, old, new, words):
    with pytest.raises(InputError, match=words):
        asked(GOOD.replace(old, new))


def draw(level):
    drawing.show({f"level {level}": np.full((8, 12, 3), level, np.uint8)})


def middle(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))[-40, 200]


def test_a_slider_draws_what_it_is_moved_to_and_each_value_once(shown):
    drawn = []
    exploring.slide([10, 100, 200], lambda level: (drawn.append(level), draw(level)))
    slider, picture = the_widget(shown[0]).children
    assert slider.value == "100" and 'alt="Pictures: level 100"' in picture.value
    for value in ("200", "100", "200"):
        slider.value = value
        assert f"level {value}" in picture.value
    assert drawn == [100, 200]


def test_without_widgets_a_slider_is_a_still_picture(shown):
    exploring.slide({"dark": 10, "light": 200}, draw, start=200)
    exploring.slide([10, 200], draw, still=lambda: draw(77))
    pictures = [base64.b64decode(bundle["image/png"]) for bundle in shown]
    assert middle(pictures[0]).max() == 200 and middle(pictures[1]).max() == 77
    assert shown[1]["text/plain"] == "Pictures: level 77"


def test_pictures_to_leaf_through_are_all_there_without_widgets(shown):
    exploring.leaf_through({name: np.full((8, 12, 3), 50, np.uint8) for name in "abcd"})
    assert shown[0]["text/plain"] == "Pictures: a; b; c; d"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([], draw), "at least one value"),
        (([1], lambda value: None), "drew 0"),
        (([1], draw, "", 5), "cannot start at '?5"),
    ],
)
def test_a_slider_that_cannot_work_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        exploring.slide(*arguments)


def test_a_drawing_in_a_notebook_is_shown_with_its_words(shown, monkeypatch):
    monkeypatch.setattr(drawing.plt, "get_backend", lambda: "inline")
    drawing.show({"a": np.zeros((8, 12, 3), np.uint8)}, alt="nothing but black")
    assert shown[0]["text/plain"] == "nothing but black" and base64.b64decode(shown[0]["image/png"])
    assert not drawing.plt.get_fignums()
