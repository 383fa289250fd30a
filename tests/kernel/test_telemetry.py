"""What leaves a process in its logs: never what a caller said."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import logging, sys
import structlog
from parley.telemetry import configure_logs
def answer(said):
    raise ZeroDivisionError
configure_logs("llm", "info", sys.argv[1])
structlog.get_logger().info("heard", pii_text="my card is 4111", caller_pii="+15550100", turn=3)
for log in (structlog.get_logger(), logging.getLogger("a.library")):
    try:
        answer("".join(["my card is ", "4111"]))
    except ZeroDivisionError:
        log.exception("it broke")
"""


@pytest.mark.parametrize("style", ["json", "text"])
def test_logs_hold_neither_personal_attributes_nor_the_variables_of_a_traceback(style: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, style], capture_output=True, text=True, check=True)
    assert "4111" not in done.stdout + done.stderr
    assert "5550100" not in done.stdout
    assert "<15 characters>" in done.stdout
    assert done.stdout.count("ZeroDivisionError") >= 2
