"""The faults that a run on one machine must survive, and the tests that show it.

A fault ends in one clear line on stderr and an exit status that is not 0, or the run
recovers.
"""

from fault_rows import fault
from faults_before_a_run import COMMAND, DATA
from faults_of_a_run import CHECKPOINT, RUN

FAULTS = [*DATA, *COMMAND, *CHECKPOINT, *RUN]

BESIDES = (
    *fault(
        "commands",
        "test_a_configuration_file_that_is_none_is_one_line",
        "test_nothing_to_go_on_with_is_one_line",
    ),
    *fault(
        "runs",
        "test_a_replay_of_nothing_is_one_line",
        "test_a_replay_of_a_damaged_step_is_one_line",
        "test_a_replay_of_what_is_nested_too_deeply_is_one_line",
        "test_a_replay_that_no_memory_holds_is_one_line",
    ),
    *fault(
        "disk",
        "test_a_refused_run_leaves_the_disk_as_it_was",
        "test_a_run_that_is_kept_out_leaves_the_disk_as_it_was",
        "test_the_other_commands_leave_the_disk_as_it_was",
    ),
)
"""Refusals that belong to no fault of the list."""

TWINS = (
    *fault("commands", "test_a_run_s_own_configuration_is_read"),
    *fault("disk", "test_going_back_drops_what_was_later"),
    *fault("checkpoints", "test_a_checkpoint_saved_anew_is_gone_on_with"),
)
"""The same ways of spoiling something, and nothing spoilt: it is taken."""
