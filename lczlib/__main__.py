"""``python -m lczlib`` is the ``lcz`` command."""

from lczlib.cli import main

main()
