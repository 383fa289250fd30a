"""An agent's guardrails, as code: what the caller says before a model is asked, what a model says before it is spoken."""
