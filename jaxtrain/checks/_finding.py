from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What one check says.

    Example:
        >>> Finding("labels", False, "label 12 of 10 classes").line()
        'FAULT    labels: label 12 of 10 classes'
    """

    name: str
    passed: bool
    """Whether nothing is wrong, as far as can be seen."""
    text: str
    """What was seen, with numbers; where something is wrong, what to do too."""
    skipped: bool = False
    """Whether there was nothing to check; it counts as passed."""

    def line(self) -> str:
        verdict = "skipped" if self.skipped else "ok" if self.passed else "FAULT"
        return f"{verdict:8} {self.name}: {self.text}"


def skipped(name: str, reason: str) -> Finding:
    """A finding of a check that does not apply."""
    return Finding(name, True, reason, skipped=True)


def show(findings: Sequence[Finding]) -> Iterator[str]:
    """The lines to print: one a finding, and one that sums them up.

    Example:
        >>> for line in show([Finding("first loss", True, "2.30, and guessing 2.30")]):
        ...     print(line)
        ok       first loss: 2.30, and guessing 2.30
        1 check: nothing is wrong
    """
    for finding in findings:
        yield finding.line()
    wrong = [finding.name for finding in findings if not finding.passed]
    checks = f"{len(findings)} check{'' if len(findings) == 1 else 's'}"
    yield f"{checks}: {'wrong: ' + ', '.join(wrong) if wrong else 'nothing is wrong'}"
