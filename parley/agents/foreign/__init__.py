"""`agent.yaml` and `tools.yaml`: tools that others run, and how they are let in."""
