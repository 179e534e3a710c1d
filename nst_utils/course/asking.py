"""What the notebooks ask before they show: predictions, each option with a word on the thought behind it.

The questions lie in questions/*.toml, a file for each notebook, so that no cell holds what is right:

    [moved-flower]
    question = "The flower is moved by six pixels. Which layer notices most?"
    right = "B"
    options.A = "`conv1_2`, the shallowest"
    options.B = "`conv2_2`"
    feedback.A = "It is a natural thought: ... But ..."
    feedback.B = "..."

All texts are Markdown, with formulas in $. `notebooks/editions.py` writes question and options as text above each cell
`ask("moved-flower")`, so that they can be read on paper, and the answers below it in the solution edition.
"""

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from IPython.display import display

from nst_utils.base.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent / "questions"


@dataclass(frozen=True)
class Question:
    """A multiple-choice question in Markdown. options and feedback: {letter: text}; right: the letter that is."""

    name: str
    question: str
    options: dict[str, str]
    feedback: dict[str, str]
    right: str

    def as_text(self) -> str:
        """The question and its options, without the answer."""
        options = "\n".join(f"- **{letter}.** {text}" for letter, text in self.options.items())
        return f"**A prediction, before you look.** {self.question}\n\n{options}"

    def feedback_on(self, letter: str) -> str:
        """What there is to say to someone who chose this option."""
        verdict = f"**{letter}: yes.**" if letter == self.right else f"**{letter}: not quite.**"
        return f"{verdict} {self.feedback[letter]}"

    def answers(self) -> str:
        """What there is to say on all options, the right one first."""
        others = [letter for letter in self.options if letter != self.right]
        return "\n".join(f"- {self.feedback_on(letter)}" for letter in (self.right, *others))


@cache
def questions(folder: Path = FOLDER) -> dict[str, Question]:
    """{name: Question} of all files in the folder. Raises InputError for a question that cannot be asked."""
    found = {}
    for path in sorted(folder.glob("*.toml")):
        for name, fields in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if name in found:
                raise InputError(f"{path.name}: there is another question called {name}; choose another name.")
            found[name] = _checked(f"{path.name}, {name}", Question(name=name, **fields))
    return found


def ask(name: str, answer: str | None = None) -> None:
    """Ask the question of this name: a button for each option, and on a click what there is to say about it.

    answer: a letter; then the word on this option is shown at once, which needs no buttons.
    """
    question = questions().get(name)
    if question is None:
        raise InputError(f"There is no question called {name!r}: there are {', '.join(questions())}.")
    if answer is None:
        _show_buttons(question)
    elif str(answer).upper() in question.options:
        _show(question.feedback_on(str(answer).upper()))
    else:
        raise InputError(f"The answers to {name!r} are {', '.join(question.options)}, not {answer!r}.")


def _checked(where: str, question: Question) -> Question:
    if list(question.options) != list(question.feedback):
        raise InputError(f"{where}: give each option its feedback, in the same order.")
    if question.right not in question.options:
        raise InputError(f"{where}: right is {question.right!r}, which is none of the options.")
    return question


def _show(text: str) -> None:
    display({"text/markdown": text, "text/plain": text}, raw=True)


def _show_buttons(question: Question) -> None:
    letters = ", ".join(f'"{letter}"' for letter in question.options)
    instead = f'Choose a button, or run ask("{question.name}", ...) with one of {letters}.'
    try:
        import ipywidgets as widgets
    except ModuleNotFoundError:
        print(instead)
        return

    said = widgets.Output()

    def choose(button: Any) -> None:
        for one in buttons:
            one.button_style, one.icon = ("info", "hand-o-right") if one is button else ("", "")
        text = question.feedback_on(button.description)
        said.outputs = (
            {
                "output_type": "display_data",
                "data": {"text/markdown": text, "text/plain": text},
                "metadata": {},
            },
        )

    buttons = [
        widgets.Button(description=letter, tooltip=text, layout={"width": "5em"})
        for letter, text in question.options.items()
    ]
    for button in buttons:
        button.on_click(choose)
    box = widgets.VBox([widgets.HBox(buttons), said])
    display({**box._repr_mimebundle_(), "text/plain": instead}, raw=True)
