"""Releases: a version, a changelog, wheels that install, a signed tag. docs/releasing.md tells how."""
