"""What is done with it: asked for, answered, corrected, refused."""
