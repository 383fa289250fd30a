"""What is looked at in code: a caller's words before a model is asked, a model's before they are spoken."""
