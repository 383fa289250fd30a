"""The same calls in virtual time: the parts that decide are the product's own, what is around them is made up.

Real: the leg with its reflex, mouth and play clock, the ears' level and messages, voice detection, endpointing, the
orchestrator's `step`, and the words between them. Made up: carrier, network, recogniser, model, voice, tools, NATS.
"""
