"""For those who test with begat: `begat.testing.under_capture` runs a package's own suite captured."""

TOLD = "BEGAT_UNDER_CAPTURE"
"""The environment variable that tells the pytest plugin what to do."""
