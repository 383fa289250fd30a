"""Settings that operators change while calls go on: which they are, what they may be, and how a secret is kept. Pure.

    table      the settings marked `live`, and what each may be
    history    what is stored: all values of one moment, by whom and when
    applying   a process's own environment, and below it what was set live
    sealing    secrets, readable for who has PARLEY_CONFIG_KEY

`parley.bus.configuring` keeps them in NATS, `parley.bus.live` brings them to a process.
"""
