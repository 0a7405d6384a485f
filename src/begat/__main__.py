"""``python -m begat``."""

from begat.cli.main import main

main()
