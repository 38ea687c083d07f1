"""Situations that tests of the parts show already, by section and by the file of the test."""

from __future__ import annotations

from tests.harm.situations import Section, Shown

_TESTS: dict[Section, dict[str, dict[str, str]]] = {
    "Start": {
        "distro/test_start.py": {
            "an empty program loads nothing heavy on our account": "test_an_empty_program_imports_nothing_heavy_on_our_account",
            "switched off, there is no patch and no hook": "test_the_off_switches_leave_no_patch_and_no_hook",
            "`python -S`, where nothing can start": "test_without_site_nothing_can_start_and_the_program_runs_as_it_is",
            "two doors at once, and a `.pth` that is read twice": "test_two_doors_and_a_pth_that_is_read_twice_start_once",
            "a sitecustomize of its own that fails": "test_a_broken_sitecustomize_is_reported_as_without_us_and_we_start",
            "the user nobody, without a home": "test_nobody_without_a_home_may_start_from_files_that_only_root_can_write",
            "a read-only file system": "test_a_read_only_file_system_is_no_obstacle",
            "a sub-interpreter, isolated or sharing": "test_a_sub_interpreter_starts_delivers_and_ends",
            "tools and helpers that inherit the variables": "test_tools_that_inherit_the_variables_are_left_alone",
            "bad values in settings": "test_a_bad_value_is_one_line_and_the_program_runs",
            "nonsense in every setting at once": "test_nonsense_in_every_variable_at_once_is_at_most_a_line_each_and_the_service_is_observed",
            "a folder on the path whose package is gone": "test_a_folder_on_the_path_without_its_package_says_so_and_the_program_runs",
        },
        "distro/test_installed.py": {
            "a package that is half installed": "test_a_package_that_is_half_there_is_one_line_and_the_program_runs",
            "a `.pth` whose package is gone": "test_a_pth_whose_package_is_gone_never_prints",
            "a venv that sees another": "test_a_venv_that_sees_another_starts_once",
            "the command of one venv, a program in another": "test_the_command_of_one_venv_starts_a_program_in_another",
            "the package inside an archive": "test_it_runs_from_inside_an_archive",
            "a folder that serves every interpreter": "test_the_folder_of_one_interpreter_serves_every_other",
            "`uv run`": "test_uv_run_opens_both_doors",
            "a wheel under another Python": "test_a_wheel_works_on_every_interpreter",
            "an editable install": "test_an_editable_install_opens_both_doors",
            "beside a service that pins OpenTelemetry": "test_it_installs_beside_a_service_that_pins_opentelemetry_and_every_door_opens",
        },
        "distro/test_surroundings.py": {
            "a library that is half there": "test_a_library_that_is_half_there_fails_or_works_as_without_us",
            "another library of the same name": "test_a_library_of_the_same_name_that_is_another_is_said_once_and_works",
            "a library whose metadata is missing": "test_a_library_whose_metadata_is_missing_is_instrumented",
            "finders of the application's own": "test_finders_of_the_application_find_what_they_find",
            "an application that throws modules out": "test_an_application_that_throws_modules_out_works_as_without_us",
            "an application that throws our modules out": "test_an_application_that_throws_our_modules_out_too_is_unharmed",
            "modules that are reloaded": "test_modules_that_are_reloaded_work_as_without_us_and_are_observed_again",
            "modules that were imported before us": "test_what_was_imported_before_us_is_observed_once",
            "an environment that is no text": "test_an_environment_that_is_no_text_is_passed_on_byte_for_byte",
            "a standard library in an archive": "test_a_standard_library_in_a_zip_file_starts_as_well",
            "a process that replaces itself again and again": "test_each_image_of_a_process_that_replaces_itself_is_whole",
            "the first process of a container": "test_as_the_first_process_of_a_container_it_is_the_program",
        },
        "engine/test_apply.py": {
            "a version of a library that was never tested": "test_a_version_that_was_never_tested_is_patched_and_said_once",
        },
        "engine/test_imports.py": {
            "every library imported at once, from a thread each": "test_every_known_library_imported_at_once_from_a_thread_each_is_patched",
            "a library that two threads import at once": "test_a_module_is_patched_once_however_many_threads_import_it",
        },
        "telemetry/test_pipeline.py": {
            "a process whose system calls are filtered": "test_a_process_whose_system_calls_are_filtered_lives_as_without_us",
        },
        "telemetry/test_own_provider.py": {
            "providers of the application's own, before our first span": "test_set_before_our_first_span_its_exporter_gets_the_trace_and_ours_gets_none",
            "providers of the application's own, after our first span": "test_set_after_our_first_span_its_exporter_gets_that_one_too",
            "providers of metrics and logs of the application's own": "test_providers_of_metrics_and_logs_are_the_application_s_alone",
            "a second provider": "test_a_second_provider_is_refused_with_the_words_of_the_api",
            "providers before telemetry starts": "test_set_before_telemetry_starts_it_is_adopted_too",
        },
        "telemetry/test_api.py": {
            "what code asks of a provider of the SDK": "test_our_span_is_the_api_s_and_code_for_the_sdk_s_finds_what_it_looks_for",
        },
        "telemetry/test_processors.py": {
            "processors that the application adds": "test_the_sdk_s_own_processor_and_exporter_work",
        },
        "distro/test_agents.py": {
            "another agent in the process": "test_the_service_answers_as_without_us_and_each_operation_has_one_span",
            "another agent in the process, told by doctor": "test_doctor_names_the_other_agent_that_is_at_work",
        },
        "distro/test_instrumentors.py": {
            "instrumentors of upstream's that the application switches on": "test_where_we_observe_the_library_its_spans_give_way",
        },
        "web/test_fastapi.py": {
            "FastAPI's own telemetry": "test_fastapis_own_telemetry_does_not_double_ours_where_the_application_uses_the_api",
        },
        "telemetry/test_native.py": {
            "Starlette's own telemetry": "test_starlette_s_own_middleware_adds_no_second_server_span",
            "redis-py's own telemetry": "test_redis_is_one_span_a_command_and_its_own_metrics_stay_asleep",
        },
        "distro/test_planted_faults.py": {
            "a fault of ours, anywhere": "test_a_planted_fault_is_contained_counted_and_said_once",
        },
    },
    "Running": {
        "telemetry/test_propagation.py": {
            "a malformed traceparent": "test_a_traceparent_is_read_as_the_sdk_reads_it",
            "a tracestate of any text, by the rules of W3C": "test_a_tracestate_is_read_as_the_sdk_reads_it",
            "a tracestate of ten kilobytes": "test_a_tracestate_of_ten_kilobytes_is_bounded",
            "a bomb of baggage": "test_a_baggage_bomb_is_bounded_both_ways",
        },
        "web/test_known.py": {
            "a request id that would steer a header or a terminal": "test_a_hostile_id_reaches_no_header_and_no_line",
        },
        "web/test_asgi.py": {
            "a request that we cannot read, ASGI": "test_a_request_that_we_cannot_read_is_served_all_the_same",
            "a request that is cancelled": "test_a_cancelled_request_ends_once_and_stays_cancelled",
        },
        "web/test_wsgi.py": {
            "a request that we cannot read, WSGI": "test_a_request_that_we_cannot_read_is_served_all_the_same",
            "a streamed body of WSGI": "test_a_generator_runs_inside_its_span_and_ends_it_when_it_is_closed",
            "a streamed body of WSGI that fails half way": "test_a_body_that_fails_half_way_is_an_error_recorded_once",
        },
        "web/test_active.py": {
            "a method that nobody has heard of": "test_a_method_nobody_heard_of_opens_no_series",
        },
        "telemetry/test_pipeline.py": {
            "a collector that fails at a root logger at DEBUG": "test_a_root_logger_at_debug_is_not_fed_by_a_failing_exporter",
        },
        "telemetry/test_clocks.py": {
            "a clock that steps back, stands or is frozen": "test_no_duration_is_negative_whatever_becomes_of_the_clock",
        },
        "runtime/test_loops.py": {
            "a frozen clock of a loop": "test_frozen_time_counts_nothing_below_zero",
            "a loop that is blocked": "test_each_callback_that_blocks_is_seen",
        },
        "engine/test_drive.py": {
            "a time limit that strikes anywhere in our code": "test_a_time_limit_that_strikes_anywhere_reaches_the_application_and_leaves_nothing_current",
            "an application that uses up its stack": "test_an_application_that_uses_up_its_stack_gets_its_own_error_and_no_fault_is_counted",
            "a cancelled call": "test_a_cancelled_call_ends_its_span_once_and_gives_the_context_back",
            "a task that outlives its call": "test_a_task_that_outlives_the_call_it_was_started_in_is_observed",
            "a context that is copied into a thread": "test_a_context_copied_into_a_thread_keeps_the_parent_and_leaves_ours_alone",
            "a generator that is left unfinished": "test_a_generator_left_unfinished_ends_in_whatever_context_it_is_collected",
            "an asynchronous generator that is left unfinished": "test_an_async_generator_left_unfinished_ends_when_the_loop_closes_it",
        },
        "telemetry/test_bridge.py": {
            "a token of another context": "test_a_token_of_another_thread_is_no_noise",
        },
        "web/test_uvicorn.py": {
            "a body of WSGI that its server never closes": "test_a_body_that_the_server_drops_without_closing_it_ends_its_span",
        },
        "web/test_websockets.py": {
            "websockets of many messages": "test_a_websocket_is_one_span_with_its_messages",
        },
        "web/test_servers.py": {
            "a client that goes away in the middle of an answer": "test_a_client_that_leaves_ends_the_request",
        },
        "distro/test_surroundings.py": {
            "gevent patched first, by the application, and late": "test_greenlets_are_observed_each_by_itself",
        },
        "runtime/test_gevent.py": {
            "gevent patched while our worker runs": "test_threads_that_become_greenlets_hold_up_neither_the_loop_nor_the_end",
        },
        "web/test_gunicorn.py": {
            "gunicorn's workers of gevent, with and without preload": "test_workers_whose_threads_are_greenlets_answer_and_end",
        },
        "telemetry/test_api.py": {
            "an exception whose text raises": "test_an_exception_whose_text_raises_leaves_as_it_came",
            "an attribute that contains itself": "test_a_value_that_contains_itself_comes_to_an_end",
            "odd values for everything in the API": "test_nothing_that_is_passed_to_the_api_raises",
        },
        "privacy/test_pii.py": {
            "texts of megabytes for every detector": "test_it_takes_time_in_proportion_to_length",
        },
        "runtime/metrics/test_pauses.py": {
            "a collection of garbage inside a finalizer": "test_a_collection_inside_a_finalizer_of_another_counts_no_more_than_it",
        },
        "telemetry/metrics/test_registry.py": {
            "more series than are bearable": "test_all_instruments_together_have_a_limit_too",
        },
    },
    "Transparency": {
        "engine/test_drive.py": {
            "signature, kind and attributes of a patched function": "test_a_patched_function_looks_like_the_original",
            "`unittest.mock.patch(autospec=True)`": "test_autospec_still_refuses_wrong_arguments",
            "a warning with a level of the stack": "test_a_warning_points_at_the_line_of_the_application",
            "the caller of a line of log": "test_a_log_record_points_at_the_line_of_the_application",
            "a traceback": "test_a_traceback_holds_the_frames_of_the_application_and_no_other",
            "a traceback from inside a library": "test_a_traceback_ends_where_the_application_raised",
            "the object that was raised": "test_the_same_exception_object_leaves",
            "methods that are bound": "test_methods_are_bound_as_the_originals_are",
        },
        "engine/test_apply.py": {
            "patches that are taken back": "test_undo_restores_the_very_objects_and_deletes_what_was_inherited",
        },
        "instrumentations/test_sqlite3.py": {
            "factories of sqlite3": "test_factories_of_the_application_keep_their_ways",
        },
        "instrumentations/test_std_logging.py": {
            "the configuration of logging": "test_the_configuration_of_the_application_is_its_own",
        },
        "instrumentations/test_std_unhandled.py": {
            "`sys.excepthook`, `threading.excepthook` and what nobody catches": "test_what_nobody_catches_is_one_record_and_all_else_is_as_before",
        },
        "runtime/test_loops.py": {
            "an event loop that is dropped": "test_a_loop_is_freed_as_without_us",
        },
        "web/test_asgi.py": {
            "a scope of ASGI that is copied and pickled": "test_a_scope_can_be_copied_and_pickled_as_before",
            "a request, which leaves no cycle": "test_a_request_leaves_no_cycle",
        },
        "web/test_wsgi.py": {
            "a file that WSGI wraps": "test_a_file_wrapper_keeps_its_type",
            "the rules of WSGI, by wsgiref": "test_the_adapter_keeps_to_the_rules_of_wsgi",
        },
        "telemetry/test_backoff.py": {
            "the application's random numbers": "test_the_applications_random_numbers_are_left_alone",
        },
        "instrumentations/test_psycopg.py": {
            "classes and signatures of psycopg": "test_classes_and_signatures_stay_as_they_are",
        },
    },
    "Fork and leaving": {
        "runtime/test_leaving.py": {
            "the end of main, a status, a text, an exception, threads, atexit": "test_whichever_way_a_script_ends_its_last_spans_arrive",
            "a first record while the interpreter ends": "test_a_first_record_while_the_interpreter_ends_is_not_waited_for",
            "daemon threads that record during the end": "test_daemon_threads_at_work_do_not_disturb_the_end",
            "SIGTERM, whoever handles it": "test_sigterm_ends_a_script_as_without_us_and_its_last_spans_arrive",
            "SIGTERM right after the first record": "test_sigterm_right_after_the_first_spans_finds_them",
            "SIGTERM during a long call in C": "test_sigterm_during_a_long_c_call_ends_the_process_within_the_budget",
            "SIGINT": "test_sigint_is_the_keyboard_interrupt_it_always_was",
            "an end with a collector that hangs": "test_a_collector_that_hangs_costs_no_more_than_the_setting",
            "an end in a long call in C with a collector that hangs": "test_a_long_c_call_and_a_collector_that_hangs_together_stay_within_the_budget",
            "an end with nobody listening": "test_nobody_listening_costs_next_to_nothing",
            "the first process of a container is told to end": "test_the_first_process_of_a_container_goes_on_as_it_would",
        },
        "runtime/test_finalizers.py": {
            "finalizers that print as the interpreter ends": "test_a_finalizer_that_runs_as_the_interpreter_ends_can_still_print",
        },
        "runtime/test_fork.py": {
            "children that are killed as they start": "test_children_killed_as_they_start_do_not_take_the_parent_with_them",
            "a child that imports the first library": "test_a_child_that_imports_the_first_library_reports_too",
        },
        "telemetry/test_pipeline.py": {
            "a fork while a batch is on its way": "test_forks_during_slow_answers_lose_nothing_and_send_nothing_twice",
            "a fork while the collector fails": "test_a_fork_does_not_wait_for_a_collector_that_fails",
            "a storm of forks from threads that record and log": "test_a_storm_of_forks_from_threads_that_record_and_log_locks_nothing",
            "sums over parent and children": "test_durations_of_parent_and_children_sum_to_the_truth",
        },
        "telemetry/workers/test_membership.py": {
            "a child that closes every descriptor": "test_a_process_whose_descriptors_were_all_closed_is_alone_and_nobodys_double",
        },
        "instrumentations/test_std_logs.py": {
            "exported logs of children that are forked": "test_a_fork_child_sends_what_it_logs_itself",
            "the last lines that are logged": "test_what_is_logged_last_leaves_with_the_process",
        },
        "web/test_gunicorn.py": {
            "the master of gunicorn holds no thread and no socket": "test_the_master_has_no_thread_and_no_connection_of_ours",
        },
    },
}

SHOWN = tuple(
    Shown(name, section, f"tests/{file}::{test}")
    for section, files in _TESTS.items()
    for file, tests in files.items()
    for name, test in tests.items()
)
