"""Servers that a test or a bench has beside Parley: NATS, PostgreSQL, a stood-in identity provider."""
