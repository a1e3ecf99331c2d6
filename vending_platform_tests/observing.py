"""An observer that keeps everything it hears."""

from dataclasses import dataclass, field

from vending_platform.observers import Notice, Observer, Operation, Progress, Result


@dataclass
class Kept(Observer):
    begun: list[Operation] = field(default_factory=list)
    events: list[Progress] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice)]

    def started(self, operation: Operation) -> None:
        self.begun.append(operation)

    def progress(self, event: Progress) -> None:
        self.events.append(event)

    def completed(self, operation: Operation, result: Result) -> None:
        self.results.append(result)

    def failed(self, operation: Operation, error: Exception) -> None:
        self.errors.append(error)
