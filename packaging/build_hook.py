"""What a wheel carries besides the code: the embedded model, the trained styles, the example pictures, and the
course's notebooks.

Each file is found by its pattern, so that nothing that lies about in a checkout (a cache, a student's answers, saved
pictures) gets in. A wheel that lacks one of them, or is larger than is polite, is not built.
"""

from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# pattern below the project's folder: the folder of the package that its files go to
CARRIED = {
    "images/content/*.*": "gallery/content",
    "images/style/*.*": "gallery/style",
    "images/CREDITS.md": "gallery",
    "pretrained-model/vgg19-embedded.mat": "pretrained-model",
    "pretrained-model/fast-styles.npz": "pretrained-model",
    "notebooks/[0-9]*.ipynb": "notebooks",
    "notebooks/studio.ipynb": "notebooks",
    "notebooks/*.md": "notebooks",
    "notebooks/diagrams/*.svg": "notebooks/diagrams",
    "notebooks/diagrams/*.png": "notebooks/diagrams",
    "notebooks/solutions/[0-9]*.ipynb": "notebooks/solutions",
}
MOST_BYTES = 60_000_000


class Carried(BuildHookInterface):
    """Adds the files of CARRIED to a wheel; an editable installation finds them where they are."""

    def initialize(self, version, build_data):
        if version == "editable":
            return
        root = Path(self.root)
        for pattern, folder in CARRIED.items():
            found = sorted(root.glob(pattern))
            if not found:
                raise FileNotFoundError(f"The wheel is to carry {pattern}, and there is no such file in {root}.")
            build_data["force_include"] |= {str(path): f"nst_utils/{folder}/{path.name}" for path in found}

    def finalize(self, version, build_data, artifact_path):
        size = Path(artifact_path).stat().st_size
        if version != "editable" and size > MOST_BYTES:
            raise ValueError(f"{artifact_path} has {size / 1e6:.0f} MB, more than {MOST_BYTES / 1e6:.0f}.")
