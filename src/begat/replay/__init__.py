"""What a record, or somebody's wish, can do to a program: overrides, comparing, building again."""
