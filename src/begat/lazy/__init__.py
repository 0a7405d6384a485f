"""Constructions that wait until their object is touched: the ghost that stands in its place, the proxy where none can."""
