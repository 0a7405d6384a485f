"""Modules on disk that the tests read: the zoo's animals, and packages to be imported under observation."""
