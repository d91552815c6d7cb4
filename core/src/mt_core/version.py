"""Versions that can be read without importing torch."""

CONTRACT_VERSION = "1.0"
"""Version of `mt_core.contract`, apart from mt-core's own. A plugin's manifest names the one it was written for: the
same major number and a minor number not above this one load."""

CONTRACT_VERSIONS = ("1.0",)
"""Every version of the contract that there has been, as manifests write them."""
