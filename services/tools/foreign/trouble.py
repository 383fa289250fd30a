"""What is said of a service elsewhere that is in trouble: a model reads it, and a caller may hear it word for word."""

from __future__ import annotations

UNREACHABLE = "I am sorry, the system that I need for this cannot be reached just now. Nothing was done."
BUSY = "I am sorry, the system that I need for this is busy just now. Nothing was done."
REJECTED = "I am sorry, the system that I need for this did not take my request. Nothing was done."
BROKE_OFF = "I am sorry, the system that I need for this gave no answer that I can use. I could try it once more."
TOO_LATE = "I am sorry, the system that I need for this did not answer in time. I could try it once more."
FAULT = "I am sorry, the system that I need for this does not work just now."
