"""A telephone, its carrier (Twilio), and what its caller says and hears, in real time."""
