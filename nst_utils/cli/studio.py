"""`nst studio`: the studio in a browser, by a server on this machine alone."""

import contextlib
import errno
import ipaddress
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from nst_utils.base.errors import InputError
from nst_utils.cli.start import find_course

# Listening here, no other machine reaches the server; the token keeps away this one's other users.
ADDRESS, PORT, TRIES = "127.0.0.1", 8866, 50
# Seconds after which the kernel of a page that has vanished without a word is ended.
_FORGOTTEN = 300
CELL = "from nst_utils.studio import Studio\n\nStudio()"


def studio(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port to listen on.", show_default=f"{PORT}, or the next one that is free"),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser; say the address.")] = False,
    listen: Annotated[
        str, typer.Option("--address", metavar="IP", help="Listen for other machines too: 0.0.0.0 for all of them.")
    ] = ADDRESS,
):
    """Open the studio in the browser: photo, painting and settings by hand, the picture painting itself in view.

    nst studio

    nst studio --port 8900 --no-browser

    Ctrl-C ends it. It listens on this machine only, unless told otherwise, and the address holds a key to it, a new
    one every time, or that in the variable JUPYTER_TOKEN.
    """
    if find_spec("voila") is None or find_spec("anywidget") is None:
        raise InputError("The studio needs packages that are not installed: pip install 'nst_utils[studio]'.")
    port = _free_port(listen, port)
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_urlsafe(24)
    name = socket.gethostname() if listen in ("0.0.0.0", "::") else f"[{listen}]" if ":" in listen else listen
    address = f"http://{name}:{port}/?token={quote(token)}"
    with contextlib.ExitStack() as end:
        folder = Path(end.enter_context(tempfile.TemporaryDirectory(prefix="nst-studio-", ignore_cleanup_errors=True)))
        # What sessions keep in files goes with this folder, even where a kernel is killed.
        (folder / "passing").mkdir()
        os.environ.update(TMPDIR=str(folder / "passing"), NST_STUDIO_NOTEBOOKS="/voila/files/notebooks")
        _write_notebook(folder / "studio.ipynb")
        end.enter_context(_notebooks_as_pages(folder / "notebooks"))
        threading.Thread(target=_announce, args=(listen, port, address, not no_browser), daemon=True).start()
        _serve(folder, listen, port, token)


def _free_port(listen, port):
    """The port asked for, or the first free one; InputError where it is taken."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(listen).version == 6 else socket.AF_INET
    except ValueError:
        raise InputError(f"{listen} is no address to listen on: give an IP address, such as 0.0.0.0.") from None
    for number in [port] if port else range(PORT, PORT + TRIES):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((listen, number))
                return number
            except OSError as error:
                reason = error.strerror
                if error.errno == errno.EADDRNOTAVAIL:
                    raise InputError(f"{listen} is no address of this machine: give one of its own.") from None
    raise InputError(f"Port {number} cannot be used ({reason}): give another one with --port.")


def _write_notebook(path):
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


@contextlib.contextmanager
def _notebooks_as_pages(folder):
    """The course's notebooks as web pages for the links of the studio, made in passing by a process of its own."""
    files = sorted(map(str, find_course().glob("solutions/0*.ipynb")))
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(folder), *files]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process.pid, 19)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _announce(listen, port, address, browser):
    """Say where the studio is, once it is there, and open it."""
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection((listen, port), 1):
            break
        time.sleep(0.1)
    typer.echo(f"The studio is at {address}\nCtrl-C ends it.")
    sys.stdout.flush()
    if browser:
        webbrowser.open(address)


def _serve(folder, listen, port, token):
    from traitlets.config import Config
    from voila.app import Voila

    config = Config()
    config.Voila.update(ip=listen, port=port, port_retries=0, open_browser=False, token=token, log_level="ERROR")
    # With a token there is no cookie for this check, and a closed page could not end its kernel. Nothing is lost:
    # whatever can be asked for names a kernel by an id that nobody else knows.
    config.Voila.tornado_settings = {"disable_check_xsrf": True}
    config.VoilaConfiguration.update(
        file_allowlist=[r"notebooks/[0-9a-z_]+\.html"],
        # Others that happen to be installed only make the page slow.
        extension_allowlist=[
            "@voila-dashboards/widgets-manager7", "@voila-dashboards/widgets-manager8",
            "@jupyter-widgets/jupyterlab-manager", "anywidget",
        ],
    )
    config.MappingKernelManager.update(cull_idle_timeout=_FORGOTTEN, cull_interval=30)
    Voila.launch_instance(argv=[str(folder / "studio.ipynb")], config=config)
