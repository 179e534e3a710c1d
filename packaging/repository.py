"""The repository's address, said once, and what follows from it: badges, and the notebooks' cell for Colab.

    python packaging/repository.py    writes README.md's line of badges, or takes it away

The address is `Repository` in pyproject.toml's [project.urls]. While there is none, nothing is installed from anywhere
and there are no badges: an address that nobody owns would let whoever registers it run code on students' machines.
`make notebooks` follows a new address.
"""

import re
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
FIRST = "notebooks/01_transfer_learning_with_vgg19.ipynb"
_BADGES = re.compile(r"(?<=\n\n)\[!\[Binder\].*\n\n")
_COLAB = """# On Google Colab this installs the package; anywhere else it does nothing.
import subprocess
import sys

if "google.colab" in sys.modules:
    package = "git+{address}"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", package], check=True)"""


def address(root=ROOT):
    """https://github.com/OWNER/NAME, or None where none is configured."""
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
    found = urls.get("Repository")
    if found is not None and not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", found):
        raise SystemExit(f"Repository in pyproject.toml is {found}: https://github.com/OWNER/NAME is needed.")
    return found


def colab_cell(root=ROOT):
    """The source of the notebooks' cell that installs the package on Colab, or None without an address."""
    found = address(root)
    return found and _COLAB.format(address=found)


def badges(notebook=FIRST, root=ROOT):
    """Binder and Colab, in Markdown, for one notebook of the course; empty without an address."""
    if not (found := address(root)):
        return ""
    name = found.removeprefix("https://github.com/")
    binder = f"https://mybinder.org/v2/gh/{name}/HEAD?labpath={notebook.replace('/', '%2F')}"
    colab = f"https://colab.research.google.com/github/{name}/blob/main/{notebook}"
    return (
        f"[![Binder](https://mybinder.org/badge_logo.svg)]({binder}) "
        f"[![Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})"
    )


def with_badges(readme, line):
    """The README's text with this line of badges under its title, instead of the one that is there."""
    title, rest = _BADGES.sub("", readme).split("\n\n", 1)
    return "\n\n".join([title, *([line] if line else []), rest])


def main():
    readme = ROOT / "README.md"
    readme.write_text(with_badges(readme.read_text(encoding="utf-8"), badges()), encoding="utf-8", newline="\n")
    print(f"README.md has badges for {address()}." if address() else "No address, no badges: see pyproject.toml.")


if __name__ == "__main__":
    main()
