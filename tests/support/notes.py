"""A reporter that keeps what it is told."""

from edgetune.session.reporter import Reporter


class Notes(Reporter):
    def __init__(self):
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)
