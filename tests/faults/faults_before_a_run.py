"""Faults 1 to 32: of the data, the flags and the folders that a run is given."""

from fault_rows import RECOVERED, REFUSED, Fault, command, data, fault, of

_FLAGS = fault("commands", "test_flags_are_judged_before_the_data_is_read")
_ARGUMENTS = fault(
    "commands", "test_what_an_optimizer_or_scheduler_refuses_is_one_line"
)
_FILE = fault("commands", "test_a_damaged_data_file_is_one_line")

DATA = [
    Fault(
        1,
        "a gzipped file cut short",
        REFUSED,
        (
            *data("gunzip", "test_truncation_is_named"),
            *data("folder", "test_truncated_files_are_named"),
        ),
    ),
    Fault(
        2,
        "a file of no bytes",
        REFUSED,
        (*_FILE, *data("folder", "test_faulty_files_are_named")),
    ),
    Fault(
        3,
        "a web page under a file's name",
        REFUSED,
        (
            *_FILE,
            *data("download", "test_a_web_page_in_place_of_the_file_is_named"),
        ),
    ),
    Fault(
        4,
        "a bit of a gzipped file turned over",
        REFUSED,
        data("gunzip", "test_a_flipped_bit_is_named"),
    ),
    Fault(
        5,
        "a bit of an unpacked file turned over",
        f"{REFUSED}; in the cache {RECOVERED}, where it can be fetched again",
        (
            *data("verify", "test_one_flipped_bit_is_refused"),
            *data("find", "test_a_damaged_cache_file_is_told_and_fetched_again"),
        ),
    ),
    Fault(
        6,
        "another data set under Fashion-MNIST's names",
        REFUSED,
        (
            *data(
                "verify",
                "test_known_impostors_are_called_by_their_name",
                "test_other_data_under_the_same_name_is_refused",
            ),
            *fault(
                "commands", "test_data_that_is_not_there_or_another_set_is_one_line"
            ),
        ),
    ),
    Fault(
        7,
        "an idx file of the wrong kind, type or dimensions",
        REFUSED,
        (
            *_FILE,
            *data("idx", "test_faults_are_named", "test_any_bytes_are_read_or_refused"),
        ),
    ),
    Fault(
        8,
        "a header that promises more than the file holds, or 2**31 of everything",
        f"{REFUSED}, and no memory is asked for",
        (*_FILE, *data("idx", "test_a_huge_count_allocates_nothing")),
    ),
    Fault(
        9,
        "more images than labels, or fewer",
        REFUSED,
        (
            *data("verify", "test_another_number_of_labels_than_images_is_named"),
            *data("idx", "test_a_split_refuses_what_does_not_fit"),
        ),
    ),
    Fault(
        10,
        "a label that is no class",
        REFUSED,
        data("verify", "test_a_label_out_of_range_is_named"),
    ),
    Fault(
        11,
        "a mirror that refuses, redirects for ever or lies about the length",
        f"{RECOVERED} at the next mirror; {REFUSED} where there is none",
        (
            *data(
                "download",
                "test_refusals_are_named_and_busy_servers_asked_again",
                "test_redirects_to_nowhere_are_named",
                "test_too_long_a_content_length_is_named",
                "test_too_short_a_content_length_is_a_truncated_file",
            ),
            *data("find", "test_each_file_is_sought_on_the_next_mirror"),
        ),
    ),
    Fault(
        12,
        "a mirror that sends nothing, or a byte a second",
        f"given up after a stated time; {RECOVERED} at the next",
        data(
            "download",
            "test_a_slow_server_is_given_up",
            "test_a_slow_mirror_is_not_asked_for_another_file",
        ),
    ),
    Fault(
        13,
        "no network",
        "a good cache serves; without one, a list of what was tried and where files go",
        data(
            "find",
            "test_a_good_cache_works_without_network",
            "test_when_all_fail_each_try_is_named_with_the_ways_out",
        ),
    ),
    Fault(
        14,
        "two processes that fetch at once",
        f"{RECOVERED}: one fetches, the other waits",
        data(
            "find",
            "test_two_processes_at_once_download_once",
            "test_a_lock_held_for_too_long_is_named",
        ),
    ),
    Fault(
        15,
        "a data folder that is read-only, or full",
        f"{REFUSED}; {RECOVERED} where the system has a copy",
        data(
            "find",
            "test_a_full_disk_is_one_clear_error_and_leaves_nothing",
            "test_without_a_cache_nothing_is_fetched_in_vain",
            "test_without_a_cache_the_system_copy_still_serves",
        ),
    ),
    Fault(
        16,
        "a gzipped file that unpacks to gigabytes",
        f"{REFUSED}, at the size that is right",
        (
            *data("gunzip", "test_a_bomb_is_stopped_early"),
            *data("verify", "test_a_bomb_under_a_good_name_is_refused"),
        ),
    ),
    Fault(
        17,
        "killed while it fetches",
        f"{RECOVERED} by the next run",
        data(
            "find",
            "test_killed_in_mid_download_the_rerun_recovers",
            "test_what_a_killed_writer_left_is_neither_trusted_nor_kept",
        ),
    ),
    Fault(
        18,
        "a data folder that is a link, or has spaces and foreign letters in its name",
        "works",
        (
            *data(
                "find", "test_any_cache_path_will_do", "test_the_cache_may_be_a_link"
            ),
            *data("folder", "test_any_folder_name_will_do"),
        ),
    ),
]

COMMAND = [
    Fault(
        19,
        "a learning rate of 0, below 0, infinite, NaN or 1e30",
        f"0 trains nothing, as in PyTorch; 1e30 is followed to the first NaN; {REFUSED}"
        " otherwise",
        (
            *_FLAGS,
            *command("backends", "test_a_rate_of_nothing_changes_nothing"),
            *fault(
                "runs",
                "test_nan_names_step_and_layer_and_the_step_can_be_taken_again",
            ),
        ),
    ),
    Fault(
        20,
        "a batch of 0, of fewer, of more than there is, or that does not divide it",
        f"{REFUSED} below 1; otherwise the last batch is smaller, as in PyTorch",
        (
            *_FLAGS,
            *command("backends", "test_batches_of_any_size"),
            *of(
                "training/test_training",
                "test_the_ragged_last_batch_is_trained_and_counted",
            ),
        ),
    ),
    Fault(
        21,
        "no epochs",
        "trains nothing, and more epochs can go on from there",
        (
            *command("whole", "test_no_epochs_train_nothing"),
            *fault(
                "commands", "test_no_epochs_leave_a_run_that_more_epochs_go_on_with"
            ),
        ),
    ),
    Fault(
        22,
        "the name of no optimiser, scheduler or loss",
        f"{REFUSED} that has the nearest name",
        (*_FLAGS, *of("run/test_by_name", "test_suggestions")),
    ),
    Fault(
        23,
        "an argument that the chosen optimiser does not take",
        f"{REFUSED} that has those it takes",
        (*_ARGUMENTS, *of("run/test_by_name", "test_an_optimizer_refuses")),
    ),
    Fault(
        24,
        "a device that is not there",
        f"{REFUSED}; no other is taken in its place",
        command(
            "backends",
            "test_jax_refuses_a_device_that_is_not_there",
            "test_torch_refuses_a_device_that_is_not_there",
        ),
    ),
    Fault(
        25,
        "the backend of a package that is not installed",
        f"{REFUSED} that says what to install",
        command("whole", "test_the_torch_backend_needs_its_extra"),
    ),
    Fault(
        26,
        "momenta and betas out of their range",
        f"{REFUSED}, where and only where PyTorch refuses them",
        (
            *_ARGUMENTS,
            *of(
                "optim/test_optimizer_arguments",
                "test_what_pytorch_refuses_is_refused_and_nothing_else",
            ),
        ),
    ),
    Fault(
        27,
        "more steps than a scheduler was made for",
        f"{REFUSED}, before the first of them",
        (*_ARGUMENTS, *command("backends", "test_what_jax_refuses")),
    ),
    Fault(
        28,
        "no hidden layers, or one of no units",
        f"a linear network; {REFUSED} for no units",
        (
            *_FLAGS,
            *of("commands/options/test_cli", "test_flags"),
            *command("backends", "test_what_both_run"),
        ),
    ),
    Fault(
        29,
        "a seed that PyTorch does not take, or that is no number",
        REFUSED,
        (*_FLAGS, *of("commands/options/test_cli", "test_flags", "test_refusals")),
    ),
    Fault(
        30,
        "a run's folder that holds another run",
        f"{REFUSED}; what is there stays",
        (
            *fault("commands", "test_where_a_run_cannot_be_is_one_line"),
            *fault(
                "checkpoints",
                "test_another_run_s_checkpoint_is_refused_with_what_differs",
            ),
            *of(
                "store/run_folder/test_run_folder_faults",
                "test_a_folder_that_holds_a_run_is_not_overwritten",
            ),
        ),
    ),
    Fault(
        31,
        "a run's folder that is a file, has no parent or cannot be written",
        REFUSED,
        fault(
            "commands",
            "test_where_a_run_cannot_be_is_one_line",
            "test_an_unwritable_place_is_one_line",
        ),
    ),
    Fault(
        32,
        "an output that knows ASCII alone, is closed, full, left, or no terminal",
        f"{RECOVERED}: plain lines, or an end without a trace; {REFUSED} if full",
        (
            *command(
                "process",
                "test_an_output_that_knows_ascii_only",
                "test_an_output_that_is_closed",
                "test_an_output_that_is_full",
                "test_a_reader_that_has_enough",
                "test_a_reader_that_has_gone",
            ),
            *command("terminal", "test_a_simple_terminal_gets_plain_lines"),
        ),
    ),
]
