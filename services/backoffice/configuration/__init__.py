"""What operators change while calls go on: settings, who answers, in which version; and what they try first.

`config`: the live settings. `agents`: their versions. `numbers`: which agent answers which number, and when. `engines`:
what processes tell of theirs. `trials`: one sentence through the model, the understanding or the voice.
Each file has the router of its resource. Whoever changes something needs `admin`, and the audit has it.
"""
