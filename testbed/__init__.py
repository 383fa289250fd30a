"""What Parley is tried with: a telephone behind a carrier, and stand-ins that the vendors' own SDKs talk to."""
