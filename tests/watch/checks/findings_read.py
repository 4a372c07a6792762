"""Findings as the tests read them."""

from collections.abc import Sequence

from jaxtrain.watch.checks import Finding


def wrong(findings: Sequence[Finding]) -> dict[str, str]:
    """Name of each finding that something is wrong -> its text."""
    return {finding.name: finding.text for finding in findings if not finding.passed}
