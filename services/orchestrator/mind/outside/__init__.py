"""What comes into a call from outside: signals of people and of watchers who follow it."""
