"""What measures: side by side, in one run, with the test bed. docs/ has what came of it."""
