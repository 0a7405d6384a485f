"""What counts as an installed package, for everything that asks."""

from __future__ import annotations

import pytest

from begat.record.installed import in_packages, is_installed


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("/v/lib/python3.11/site-packages/sklearn/base.py", "sklearn/base.py"),
        ("/usr/lib/python3/dist-packages/yaml.py", "yaml.py"),
        ("C:\\v\\Lib\\site-packages\\a\\b.py", "a\\b.py"),
        ("site-packages/a.py", "a.py"),
        ("/v/site-packages/a/dist-packages/b.py", "b.py"),
        ("/home/my-site-packages/a.py", None),
        ("/home/site-packages.py", None),
        ("train.py", None),
    ],
)
def test_a_file_is_installed_by_its_folder(path, rest):
    """And is named from there."""
    assert in_packages(path) == rest
    assert is_installed(path) is (rest is not None)
