"""Conversations with an agent, held and judged: `parley eval`. See docs/eval.md."""
