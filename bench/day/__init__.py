"""Days of calls played against the rule of `cli/scaling/rule.py`, in made-up time."""
