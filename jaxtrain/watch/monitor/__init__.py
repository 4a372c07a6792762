"""What is wrong with a run, in words, while it trains.

`Monitor` sees a run's events and gives `Warned` where a rule finds something off;
`watching` passes the events on with these among them.
Each rule is a small class of its own: it is fed the events, and says what it sees, what
that usually means, and what to try. It is silent on healthy runs; beside each threshold
stands the span that those were seen in.
"""

from jaxtrain.watch.monitor.watching import KINDS, Monitor, watching

__all__ = ["KINDS", "Monitor", "watching"]
