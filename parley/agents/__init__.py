"""An agent's files: what may stand in `agent.yaml`, and how the folder is read."""
