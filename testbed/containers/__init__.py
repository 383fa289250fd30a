"""The images and docker-compose.yml, really run: `make containers`.

Where an engine runs: the Compose file as it stands, with others' images from their registries. Where none does, as root
on Debian: an engine of its own, a base image made with debootstrap, stand-ins for NATS and PostgreSQL, none for Qdrant,
and the host's network. What was run so, and what was not: docs/docker.md.
"""
