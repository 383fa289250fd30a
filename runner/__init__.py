"""Every service on this machine: which processes, how they are started, watched and stopped, and NATS with them."""
