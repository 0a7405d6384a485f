"""Classes that are tracked for the length of one test."""

from zoo_support.tracking import track

__all__ = ["track"]
