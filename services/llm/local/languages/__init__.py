"""What the engine without a vendor knows of a language, beside what an agent's own file says: one YAML file each."""
