"""Calls as scripts: written (README.md), played in virtual or real time, heard and judged."""
