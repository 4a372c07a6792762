"""Faults 33 to 52: of checkpoints, and of a run that has begun."""

from fault_rows import RECOVERED, REFUSED, Fault, command, fault, of, store

_SAVING = fault(
    "checkpoints",
    "test_a_save_that_fails_in_mid_run_is_told_and_the_run_goes_on_later",
)
_DAMAGED = fault(
    "checkpoints",
    "test_where_every_checkpoint_is_damaged_nothing_is_trained_or_run",
    "test_a_damaged_newest_checkpoint_is_told_and_done_again",
)
_HOSTILE = fault("checkpoints", "test_hostile_arrays_with_the_right_hash_do_nothing")

CHECKPOINT = [
    Fault(
        33,
        "killed at any moment of a save",
        f"{RECOVERED} from the newest whole checkpoint",
        (
            *store(
                "killed",
                "test_killed_before_every_call",
                "test_killed_at_thirty_moments",
            ),
            *of("run/flow/test_killed", "test_killed_once_early_and_once_late"),
        ),
        long=of("run/flow/test_killed", "test_killed_at_a_random_moment"),
    ),
    Fault(
        34,
        "a bit turned over in any file of a checkpoint",
        f"passed over and told; {REFUSED} where none is whole",
        (
            *_DAMAGED,
            *store(
                "damage",
                "test_one_flipped_bit",
                "test_every_bit_of_a_small_checkpoint",
            ),
        ),
    ),
    Fault(
        35,
        "any file of a checkpoint cut short",
        f"passed over and told; {REFUSED} where none is whole",
        (*_DAMAGED, *store("damage", "test_truncated_or_extended")),
    ),
    Fault(
        36,
        "any file of a checkpoint missing",
        f"passed over and told; {REFUSED} where none is whole",
        (*_DAMAGED, *store("damage", "test_missing")),
    ),
    Fault(
        37,
        "a disk that is full while a checkpoint is saved",
        f"{REFUSED}; the older ones are whole, and the run can go on from them",
        (
            *_SAVING,
            *store(
                "faults",
                "test_every_writing_call_fails_in_turn",
                "test_a_disk_that_is_really_full",
            ),
        ),
    ),
    Fault(
        38,
        "a folder that becomes read-only in mid-run, or goes away",
        f"{REFUSED}; the older ones are whole, and the run can go on from them",
        (*_SAVING, *store("faults", "test_a_folder_that_goes_is_one_line")),
    ),
    Fault(
        39,
        "a save that fails",
        f"{REFUSED}, at once: nothing is saved behind the run's back",
        (
            *_SAVING,
            *store("faults", "test_a_write_that_fails_is_never_a_success"),
        ),
    ),
    Fault(
        40,
        "resumed at an epoch's end, at step 0, after the last step, or in between",
        f"{RECOVERED}: bitwise the run that was left alone",
        (
            *of(
                "run/flow/test_resume",
                "test_every_place",
                "test_after_the_end_there_is_nothing_to_do",
                "test_more_epochs_go_on_where_fewer_ended",
            ),
            *fault(
                "commands", "test_no_epochs_leave_a_run_that_more_epochs_go_on_with"
            ),
        ),
    ),
    Fault(
        41,
        "resumed with another network, optimiser, type, batch or data",
        f"{REFUSED} that has what differs",
        fault(
            "checkpoints",
            "test_another_run_s_checkpoint_is_refused_with_what_differs",
            "test_other_data_is_refused_by_its_hash",
        ),
    ),
    Fault(
        42,
        "a checkpoint, or a run's folder, of another version",
        REFUSED,
        (
            *fault("checkpoints", "test_files_of_another_version_are_refused"),
            *fault("commands", "test_a_configuration_file_of_any_content_is_one_line"),
            *store("format", "test_version_1_is_read"),
        ),
    ),
    Fault(
        43,
        "a pickle in a checkpoint or in predictions, names that lead elsewhere",
        f"{REFUSED}; nothing is run, nothing is written",
        (
            *_HOSTILE,
            *_DAMAGED,
            *fault("checkpoints", "test_a_manifest_that_leads_elsewhere_is_refused"),
            *fault("runs", "test_a_damaged_run_is_one_line_for_the_report"),
            *store(
                "hostile",
                "test_hostile_arrays",
                "test_another_manifest",
                "test_the_bomb_would_have_gone_off",
            ),
        ),
    ),
    Fault(
        44,
        "safetensors with a huge header, overlaps, another type, other names",
        REFUSED,
        (
            *_HOSTILE,
            *fault(
                "checkpoints",
                "test_a_checkpoint_of_other_content_is_refused",
                "test_a_configuration_that_is_nested_too_deeply_is_refused",
                "test_a_checkpoint_whose_counts_contradict_each_other_is_refused",
            ),
            *store("hostile", "test_hostile_arrays"),
        ),
    ),
    Fault(
        45,
        "two runs that write to one folder",
        f"{REFUSED} for the second",
        (
            *fault("checkpoints", "test_two_runs_do_not_write_to_one_folder"),
            *store("store", "test_another_process_is_refused_until_it_is_killed"),
        ),
    ),
    Fault(
        46,
        "a checkpoint from one number of devices to another",
        "one device is all that a run uses: a checkpoint knows of none",
        store("store", "test_saving_and_reading_need_no_jax"),
    ),
]

RUN = [
    Fault(
        47,
        "a number that is not finite in batch, weights, gradients or rate",
        f"{REFUSED} that has step and layer; the step is kept and can be taken again",
        (
            *of(
                "run/flow/test_fault",
                "test_step_and_tensor_are_named",
                "test_a_run_stops_and_its_step_can_be_taken_again",
            ),
            *fault(
                "runs",
                "test_nan_names_step_and_layer_and_the_step_can_be_taken_again",
                "test_nan_is_named_even_where_the_step_cannot_be_kept",
                "test_a_replay_of_something_else_is_one_line",
            ),
        ),
    ),
    Fault(
        48,
        "SIGINT, SIGTERM, and a second one",
        "the state is saved, one line, status 130 or 143; a second does not wait",
        (
            *of("run/flow/test_killed", "test_a_signal_saves_first"),
            *of(
                "run/flow/test_interrupted",
                "test_some_moments",
                "test_a_run_that_does_not_come_to_an_end",
            ),
            *fault(
                "runs",
                "test_a_signal_saves_and_the_run_goes_on_to_the_same_end",
                "test_a_second_signal_ends_a_run_that_does_not_come_to_an_end",
            ),
        ),
    ),
    Fault(
        49,
        "not enough memory",
        f"{REFUSED} that has the sizes of network and batch",
        (
            *fault("commands", "test_a_lack_of_memory_names_the_sizes"),
            *command("whole", "test_a_lack_of_memory_names_the_sizes"),
        ),
    ),
    Fault(
        50,
        "blank images, one class, dead units; and runs in which nothing is wrong",
        "each is called by its name, and healthy runs are passed over in silence",
        (
            *fault("runs", "test_blank_images_of_one_class_are_found_before_training"),
            *of("watch/monitor/test_monitor_runs", "test_in_short"),
            *of(
                "watch/checks/test_check_model",
                "test_a_planted_fault_is_named_and_nothing_else",
                "test_a_healthy_configuration_raises_no_alarm",
            ),
        ),
        long=of("watch/monitor/test_monitor_runs", "test_on_fashion_mnist"),
    ),
    Fault(
        51,
        "anything that would be compiled again",
        "one compilation for each shape, last batch included, and none later",
        (
            *of(
                "training/test_training",
                "test_one_compilation_for_each_shape_and_none_later",
            ),
            *fault("runs", "test_nothing_is_compiled_after_the_first_epoch"),
        ),
    ),
    Fault(
        52,
        "the run's folder removed in mid-run; a clock that jumps back",
        f"{REFUSED}, at once; the clock changes nothing",
        fault(
            "runs",
            "test_a_run_s_folder_that_goes_away_is_told_at_once",
            "test_clocks_that_jump_back_change_nothing",
        ),
    ),
]
