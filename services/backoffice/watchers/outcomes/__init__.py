"""What came of a call: summary, outcome and slots, written down after its end.

`rules`: what can be told without a model. `reading`: what a model is asked, and what its answer means. `model`: who is
asked; `engines`: whether it can read. `outcomes`: the watcher.
"""
