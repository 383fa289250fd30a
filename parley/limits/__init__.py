"""How often one address may ask: at the gateways' doors and at backoffice.

`rules`: what is allowed. `table`: who has taken how much, in bounded memory. `client`: whose request it is.
`sharing`: replicas tell each other of those that take much. `refusal`: 429 with `Retry-After`.
"""
