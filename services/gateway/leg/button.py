"""Push-to-talk: while it is switched on, the caller's button says when he speaks, and no silence and no voice does."""

from __future__ import annotations

from services.gateway.ears.ears import Ears


class Button:
    """One leg's button. The page switches push-to-talk on and off; the first press switches it on too."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self.decides = False
        self.hears = True
        """Whether the microphone is open: always, or while the button is held."""
        self._let_go_at: float | None = None

    def decide(self, on: bool) -> None:
        """Switch push-to-talk on or off. What was said up to here is a turn."""
        if on == self.decides:
            return
        if on and self._ears.open_turn:
            self._ears.end_of_turn()
        self.decides, self.hears = on, not on
        self._let_go_at = None
        self._ears.by_button(on)

    def moved(self, pressed: bool, now: float) -> None:
        """Pressed, or let go: then what was said is the turn."""
        if pressed:
            self.decide(True)
        if not self.decides or pressed == self.hears:
            return
        self.hears = pressed
        self._let_go_at = None if pressed else now
        if pressed:
            self._ears.new_turn()
        else:
            self._ears.end_of_turn()
            self._ears.rest()

    def speech_end(self, by_ears: float) -> float:
        """When the caller was done, in ms: he said so himself, or his last word ended."""
        return by_ears if self._let_go_at is None or not self.decides else self._let_go_at
