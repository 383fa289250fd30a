"""Words that mark one turn of one caller, so that its way through the vendors can be found."""

LETTERS = (
    *["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"],
    *["india", "juliet", "kilo", "lima", "mike", "november", "oscar", "papa"],
)
