"""The operator's own systems are told what happened: a signed POST, tried again, never inside this network unless that
is allowed. docs/webhooks.md.

`payloads`: what is sent. `signing`: how they know it is us. `outside`: where it may go. `hooks`: who wants it.
`deliveries`: what is on its way. `sender`: the way.
"""
