"""What stands behind the console's pages of agents, engines and configuration, beside NATS.

`figures`: what is on record of an agent's versions. `trying`: the ways to the services for one sentence, and how often.
The live settings themselves are `parley.configuration` and `parley.bus.configuring`; routers are in `api`.
"""
