"""The installed version of viodat, as pyproject.toml states it."""

from importlib.metadata import version

__version__ = version("viodat")
