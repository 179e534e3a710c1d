"""`python -m nst_utils.cli` is `nst`."""

from nst_utils.cli import main

main()
