"""Controls of HIPAA and PCI DSS, checked against this installation as it runs.

No legal advice: it finds what is plainly missing.
"""
