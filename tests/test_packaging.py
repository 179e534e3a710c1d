"""How the project gets to its users: the wheel, `nst demo`, `nst course`, `nst doctor`, addresses, other systems."""

import ast
import os
import re
import subprocess
import sys
import zipfile
from importlib import metadata

import nbformat
import pytest
from conftest import ROOT, assert_one_sentence
from PIL import Image

from nst_utils.cli import machine, main, start

sys.path.insert(0, str(ROOT / "packaging" / "app"))
sys.path.insert(0, str(ROOT / "packaging"))
sys.path.insert(0, str(ROOT / "notebooks"))

import build_app  # noqa: E402
import editions  # noqa: E402
import entry  # noqa: E402
import repository  # noqa: E402
import try_versions  # noqa: E402

ADDRESS = "https://github.com/someone/nst_utils"


@pytest.fixture
def nst(monkeypatch, capsys):
    """Runs the command in this process: (exit status, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["nst", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, *capsys.readouterr()

    return run


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, in which a student's picture and a cache lie about."""
    builders = pytest.importorskip("hatchling.builders.wheel")
    stray = ROOT / "notebooks" / "solutions" / "output" / "stray.png"
    stray.parent.mkdir(exist_ok=True)
    stray.touch()
    try:
        (path,) = builders.WheelBuilder(str(ROOT)).build(
            directory=str(tmp_path_factory.mktemp("dist")), versions=["standard"]
        )
    finally:
        stray.unlink()
    return path


def test_the_wheel_carries_model_pictures_and_both_editions_and_nothing_that_lies_about(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    notebooks = {path.name for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    assert notebooks and {f"nst_utils/notebooks/{name}" for name in notebooks} <= names
    assert {f"nst_utils/notebooks/solutions/{name}" for name in notebooks} <= names
    assert {f"nst_utils/gallery/{name}" for name in start.DEMO} <= names
    assert {f"nst_utils/pretrained-model/{name}" for name in ("vgg19-embedded.mat", "fast-styles.npz")} <= names
    assert not [name for name in names if re.search(r"output|__pycache__|nst-cache|\.venv", name)]
    assert os.path.getsize(wheel) < 60e6


def test_the_bare_wheel_copies_the_course_and_finds_its_pictures_and_weights(wheel, tmp_path, run_python):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    script = """
import sys
sys.path.insert(0, sys.argv[1])
from nst_utils.cli import main
from nst_utils.cli.start import DEMO
from nst_utils.network.weights import find_weights
from nst_utils.pictures.gallery import find_example
for path in (find_weights(), *map(find_example, DEMO)):
    assert str(path).startswith(sys.argv[1]), path
sys.argv = ["nst", "course", "course", "--solutions"]
main()
"""
    free = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NST_WEIGHTS")}
    done = run_python(script, site, env=free)
    assert done.returncode == 0, done.stderr
    copied = {path.name for path in (tmp_path / "elsewhere" / "course").rglob("*.ipynb")}
    assert copied == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}


# nst demo


def test_the_demo_paints_and_says_where(nst, tmp_path, tiny_mat, monkeypatch):
    monkeypatch.setenv("NST_WEIGHTS", str(tiny_mat))
    monkeypatch.chdir(tmp_path)
    status, out, _ = nst("demo")
    assert status == 0 and str(tmp_path / "demo.png") in out
    assert Image.open("demo.png").size == (512, 342)


def test_the_demo_leaves_a_picture_that_is_there_alone(nst, tmp_path):
    (tmp_path / "mine.png").write_text("mine")
    status, _, sentence = nst("demo", "--out", tmp_path / "mine.png")
    assert status == 1 and (tmp_path / "mine.png").read_text() == "mine"
    assert_one_sentence(sentence.rstrip("\n"), "mine.png", "--out")


def test_an_account_without_a_home_can_paint_and_use_the_studio(run_python):
    script = """
import platformdirs

def homeless(*_, **__):
    raise RuntimeError("could not determine the home directory")

platformdirs.user_data_path = platformdirs.user_cache_path = homeless
from nst_utils.network.weights import find_weights
from nst_utils.studio.waiting import Places

assert find_weights().is_file()
assert Places()
"""
    free = {name: value for name, value in os.environ.items() if name != "NST_WEIGHTS"}
    done = run_python(script, env=free)
    assert done.returncode == 0, done.stderr


# nst course


def test_the_course_is_the_student_edition_and_with_solutions_both(nst, tmp_path):
    assert nst("course", tmp_path / "new" / "course")[0] == 0
    student = sorted(path.name for path in (tmp_path / "new" / "course").rglob("*.ipynb"))
    assert student == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert not (tmp_path / "new" / "course" / "INSTRUCTORS.md").exists()
    status, out, _ = nst("course", tmp_path / "new" / "course", "--solutions")
    assert status == 0 and "left as they are" in out
    solved = sorted(path.name for path in (tmp_path / "new" / "course" / "solutions").iterdir())
    assert solved == [name for name in student if name != "studio.ipynb"]  # which asks for no answer
    assert (tmp_path / "new" / "course" / "INSTRUCTORS.md").exists()


def test_answers_that_are_there_stay(nst, tmp_path):
    mine = tmp_path / "02_content_cost.ipynb"
    mine.write_text("my answers")
    status, out, _ = nst("course", tmp_path)
    assert status == 0 and mine.name in out and mine.read_text() == "my answers"
    assert (tmp_path / "01_transfer_learning_with_vgg19.ipynb").exists()


@pytest.mark.parametrize("flags", [[], ["--solutions"]])
def test_every_link_of_a_copied_page_leads_somewhere(nst, tmp_path, flags):
    assert nst("course", tmp_path, *flags)[0] == 0
    pages = list(tmp_path.glob("*.md"))
    links = [
        (page.name, link)
        for page in pages
        for link in re.findall(r"\]\(([^)#\s:]+)[)#]", re.sub(r"`[^`\n]*`", "", page.read_text(encoding="utf-8")))
    ]
    assert links and not [link for link in links if not (tmp_path / link[1]).exists()]


def test_the_line_that_opens_the_course_names_a_notebook_that_is_there(nst, tmp_path):
    _, out, _ = nst("course", tmp_path / "a course")
    path = re.search(r'jupyter lab "(.*)"', out)[1]
    assert nbformat.read(path, as_version=4).cells


def test_a_folder_that_is_a_file_gets_one_sentence(nst, tmp_path):
    (tmp_path / "here").write_text("a file")
    status, _, sentence = nst("course", tmp_path / "here")
    assert status == 1
    assert_one_sentence(sentence.rstrip("\n"), tmp_path / "here", "name another one")


# nst doctor


@pytest.fixture
def without(monkeypatch):
    """Pretends that packages are not installed, or in another version."""

    def pretend(**versions):
        there = machine._version
        monkeypatch.setattr(machine, "_version", lambda name: versions.get(name, there(name)))
        monkeypatch.setattr(machine, "_tell_machine", lambda: [])

    return pretend


def line_of(part, out):
    (line,) = [line for line in out.splitlines() if line.split()[0] == part]
    return line


def test_doctor_names_what_a_part_lacks_and_how_to_get_it(nst, without):
    without(nbval=None)
    status, out, _ = nst("doctor")
    assert status == 0 and "complete" in line_of("painting", out)
    assert "missing nbval" in line_of("dev", out) and 'pip install "nst_utils[dev]"' in line_of("dev", out)
    assert "complete" in line_of("notebooks", out)


def test_doctor_fails_for_the_parts_that_were_named(nst, without):
    without(jupyterlab=None)
    assert nst("doctor")[0] == 0
    assert nst("doctor", "painting")[0] == 0
    status, out, _ = nst("doctor", "notebooks")
    assert status == 1 and "jupyterlab" in line_of("notebooks", out) and "jupyterlab" in line_of("dev", out)


def test_doctor_fails_where_painting_lacks_something(nst, without):
    without(scipy="0.1")
    status, out, _ = nst("doctor")
    assert status == 1 and "scipy>=" in line_of("painting", out) and "there is 0.1" in line_of("painting", out)


def test_doctor_takes_tensorflow_for_processors_alone(nst, monkeypatch):
    there = metadata.version

    def version(name):
        if name == "tensorflow":
            raise metadata.PackageNotFoundError(name)
        return "2.99" if name == "tensorflow-cpu" else there(name)

    monkeypatch.setattr(machine, "_tell_machine", lambda: [])
    monkeypatch.setattr(metadata, "version", version)
    status, out, _ = nst("doctor")
    assert status == 0 and line_of("tensorflow", out).split() == ["tensorflow", "2.99"]
    assert "complete" in line_of("painting", out)


def test_in_the_application_doctor_names_no_part_that_could_not_be_added(nst, without, monkeypatch):
    without(jupyterlab=None)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    status, out, _ = nst("doctor")
    assert status == 0 and "complete" in line_of("painting", out) and "notebooks" not in out
    assert nst("doctor", "notebooks")[0] == 1


def test_doctor_fails_without_weights(nst, monkeypatch, tmp_path):
    monkeypatch.setenv("NST_WEIGHTS", str(tmp_path / "none.mat"))
    status, out, _ = nst("doctor")
    assert status == 1 and "none.mat" in line_of("weights", out) and "weights" in line_of("painting", out)


def test_doctor_knows_its_parts(nst, without):
    without()
    status, _, sentence = nst("doctor", "kitchen")
    assert status == 1
    assert_one_sentence(sentence.rstrip("\n"), "kitchen", "notebooks")
    extras = metadata.metadata("nst_utils").get_all("Provides-Extra")
    assert set(extras) <= set(machine.PARTS)


# The application and the versions


@pytest.mark.parametrize(
    ("arguments", "module", "rest"),
    [
        (["-m", "ipykernel_launcher", "-f", "k.json"], "ipykernel_launcher", ["-f", "k.json"]),
        (["-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "k.json"], "ipykernel_launcher", ["-f", "k.json"]),
        (["-m", "nbconvert", "--to", "html"], "nbconvert", ["--to", "html"]),
    ],
)
def test_the_application_runs_the_modules_that_its_studio_starts(arguments, module, rest):
    assert entry.asked_module(arguments) == (module, rest)


@pytest.mark.parametrize("arguments", [[], ["demo"], ["-m"], ["-m", "http.server"], ["stylize", "-m", "nbconvert"]])
def test_the_application_is_no_python_for_anything_else(arguments):
    assert entry.asked_module(arguments) is None


def test_what_the_studio_starts_is_what_the_application_runs():
    from ipykernel.kernelspec import make_ipkernel_cmd

    assert entry.asked_module(make_ipkernel_cmd()[1:])[0] == "ipykernel_launcher"
    started = re.findall(r'sys\.executable, "-m", "(\w+)"', (ROOT / "nst_utils" / "cli" / "studio.py").read_text())
    assert started and set(started) <= set(entry.MODULES)


@pytest.mark.parametrize(
    ("path", "original", "after"),
    [("/app", None, None), ("/app", "/own", "/own"), ("/own", None, "/own"), (None, None, None)],
)
def test_what_the_application_starts_finds_its_own_libraries(path, original, after, monkeypatch):
    for name, value in (("LD_LIBRARY_PATH", path), ("LD_LIBRARY_PATH_ORIG", original)):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    entry.give_back_library_path("/app")
    assert os.environ.get("LD_LIBRARY_PATH") == after


def test_the_application_has_what_painting_and_the_studio_need():
    names = [re.split(r"[^\w-]", line)[0] for line in build_app.requirements()]
    assert {"numpy", "voila", "anywidget", build_app.WITHOUT_GPU} <= set(names)
    assert len(names) == len(set(names)) and sum(name.startswith("tensorflow") for name in names) == 1


def test_the_tests_results_are_added_up_over_their_runs():
    lines = ["....\n", "1 failed, 302 passed, 2 skipped, 34 warnings in 399.08s (0:06:39)\n", "in 5s\n",
             "=== 90 passed, 1 error in 0:01 ===\n", "no tests ran in 0.01s\n"]  # fmt: skip
    assert try_versions.count(lines) == {"passed": 392, "failed": 2, "skipped": 2}


def test_packages_that_cannot_be_installed_are_a_failure_and_leave_nothing(monkeypatch, tmp_path, capsys):
    def fail(*_):
        raise subprocess.CalledProcessError(2, ["uv", "pip", "install"])

    monkeypatch.setattr(try_versions, "make_environment", fail)
    (tmp_path / "environment").mkdir()
    seen = try_versions.try_version(sys.executable, "oldest", ["--quick"], tmp_path)
    assert not seen["good"] and seen["passed"] == 0 and not tmp_path.exists()
    assert "uv pip install" in capsys.readouterr().out


def test_every_allowed_python_is_tried_and_a_missing_one_is_said(monkeypatch, capsys):
    assert try_versions.versions_of_python() == ["3.10", "3.11", "3.12", "3.13"]
    monkeypatch.setattr(try_versions, "find_python", lambda version: None)
    assert try_versions.main([]) == 1
    told = capsys.readouterr().out
    assert all(f"Python {version}: NOT RUN" in told for version in try_versions.versions_of_python())


def test_the_own_interpreter_is_found():
    version = ".".join(map(str, sys.version_info[:2]))
    assert try_versions.find_python(version) and try_versions.find_python("3.99") is None


# The repository's address


@pytest.fixture
def configured(tmp_path):
    """Makes a pyproject.toml with an address, or without."""

    def write(address):
        line = f'[project.urls]\nRepository = "{address}"\n' if address else ""
        (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{line}')
        return tmp_path

    return write


def test_without_an_address_nothing_is_installed_from_anywhere(configured):
    assert repository.colab_cell(configured(None)) is None and repository.badges(root=configured(None)) == ""
    if repository.address() is None:
        for path in [*(ROOT / "notebooks").rglob("*.ipynb"), *(ROOT / "notebooks" / "source").glob("*.py")]:
            assert not re.search(r"google\.colab|git\+http", path.read_text(encoding="utf-8")), path


def test_badges_and_the_cell_for_colab_follow_the_address(configured, monkeypatch):
    root = configured(ADDRESS)
    line = repository.badges(root=root)
    assert "gh/someone/nst_utils/" in line and "github/someone/nst_utils/blob" in line
    monkeypatch.setattr(editions, "colab_cell", lambda: repository.colab_cell(root))
    source = editions.find_sources()[1]
    for edition in editions.EDITIONS:
        notebook = editions.with_answers(source, edition)
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        assert f"git+{ADDRESS}" in first.source
        exec(compile(first.source, "cell", "exec"), {})  # anywhere but on Colab it does nothing
    assert not editions.is_current(source, "student")


def test_the_readme_gets_its_badges_and_loses_them_again():
    bare = "# Title\n\n![picture](a.jpg)\n\nText.\n"
    with_line = repository.with_badges(bare, "[![Binder](b)](c) [![Colab](d)](e)")
    assert with_line.startswith("# Title\n\n[![Binder](b)](c)") and bare in repository.with_badges(with_line, "")
    assert repository.with_badges(with_line, "[![Binder](x)](y)").count("Binder") == 1
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert repository.with_badges(readme, repository.badges()) == readme, "python packaging/repository.py"


@pytest.mark.parametrize("address", ["http://github.com/a/b", "https://github.com/a", "https://github.com/a/b\\n"])
def test_an_address_that_cannot_be_followed_is_refused(configured, address):
    with pytest.raises(SystemExit, match="OWNER/NAME"):
        repository.address(configured(address))


# Other systems

POSIX_MODULES = {"fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "posix", "syslog", "readline"}
POSIX_NAMES = {
    "os": {"fork", "forkpty", "getuid", "getpgid", "killpg", "setsid", "mkfifo", "chown", "nice", "uname", "statvfs"},
    "signal": {"SIGKILL", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGPIPE", "alarm", "setitimer", "pause"},
    "time": {"tzset"},
}


def knows_better(block):
    """A try that catches what is missing; a test marked posix_only; a function that asks for os.name."""
    if isinstance(block, ast.FunctionDef):
        marks = [each.id for each in block.decorator_list if isinstance(each, ast.Name)]
        asks = any(isinstance(node, ast.Attribute) and node.attr == "name" and getattr(node.value, "id", "") == "os"
                   for node in ast.walk(block))  # fmt: skip
        return "posix_only" in marks or asks
    return isinstance(block, ast.Try)


def posix_only_lines(text):
    """The lines that cannot run on Windows, but for those in a try, and in functions that say that they know it."""
    tree = ast.parse(text)
    expected = {id(node) for block in ast.walk(tree) if knows_better(block) for node in ast.walk(block)}
    for node in ast.walk(tree):
        if id(node) in expected:
            continue
        if isinstance(node, ast.Import) and POSIX_MODULES & {alias.name for alias in node.names}:
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module in POSIX_MODULES:
            yield node.lineno
        if isinstance(node, ast.Attribute) and node.attr in POSIX_NAMES.get(getattr(node.value, "id", ""), ()):
            yield node.lineno
        if isinstance(node, ast.keyword) and (node.arg == "preexec_fn" or node.arg == "shell" and node.value.value):
            yield node.lineno


@pytest.mark.parametrize(
    ("text", "found"),
    [("import fcntl", 1), ("def f():\n    from resource import getrusage", 1), ("os.fork()", 1), ("signal.SIGALRM", 1),
     ("subprocess.run(x, shell=True)", 1), ("import os\nos.replace(a, b)", 0),
     ("try:\n    import resource\nexcept ImportError:\n    resource = None", 0)],
)  # fmt: skip
def test_what_windows_lacks_is_recognised(text, found):
    assert len(list(posix_only_lines(text))) == found


def test_nothing_relies_on_what_windows_lacks():
    sources = [
        path
        for folder in ("nst_utils", "tests", "notebooks", "packaging", "docs")
        for path in (ROOT / folder).rglob("*.py")
        if "old_notebooks" not in path.parts
    ]
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources
        for line in posix_only_lines(path.read_text(encoding="utf-8"))
    ]
    assert len(sources) > 50 and not found


def test_conda_installs_what_the_notebooks_and_their_tests_need():
    (extra,) = re.findall(r"- -e \.\[(\w+)\]", (ROOT / "environment.yml").read_text())
    project = repository.tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[>=]", line)[0] for line in project["optional-dependencies"][extra]}
    (own,) = [name for name in needed if name.startswith("nst_utils")]
    assert {"nbval", "pytest"} <= needed and "notebooks" in own
