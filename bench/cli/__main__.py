"""`python -m bench.cli` is the command too."""

from bench.cli import main

main()
