"""Every place that keeps work whole when something dies, or that keeps the wrong work out."""

from tests.mutations.mutation import Mutation
from tests.mutations.mutation import mutation as m

DURABILITY = "tests/store/test_durability.py"
FILES = "tests/store/test_files.py"
JOURNAL = "tests/store/test_journal.py"
DOCUMENTS = "tests/store/test_documents.py"
LOCKS = "tests/store/test_locks.py"
RUN_FILE = "tests/store/test_run_file.py"
CHAIN = "tests/store/test_chain.py"
GIT = "tests/test_git.py"
GATE = "tests/safety/test_gate.py"
AUDIT = "tests/safety/test_audit.py"
KILLED_LANDING = "tests/kill/test_sample.py::test_what_was_about_to_land_lands_once_even"
KILLED_LANDING += "_when_git_outlives_the_kill"
ROLLBACK = "tests/execution/test_rollback.py"
RACES = "tests/e2e/test_landing_races.py"
MEANWHILE = "tests/e2e/test_decisions_meanwhile.py"
RESUME = "tests/e2e/test_resume_classes.py"
AGENT = "tests/agents/test_agent.py"

SYNCS: tuple[Mutation, ...] = (
    m(
        "sync",
        "the wait for a journal line",
        "store/journal.py",
        "            os.fdatasync(handle)\n            if is_new:\n",
        "            if is_new:\n",
        DURABILITY,
    ),
    m(
        "sync",
        "the wait for the journal's name",
        "store/journal.py",
        "            if is_new:\n                fsync_folder(self._path.parent)\n",
        "",
        DURABILITY,
    ),
    m(
        "sync",
        "the wait for a replaced file's content",
        "store/files.py",
        "        os.fsync(handle)\n        return os.fstat(handle)\n",
        "        return os.fstat(handle)\n",
        DURABILITY,
    ),
    m(
        "order",
        "content before name: it is waited for after the rename",
        "store/files.py",
        "        os.fsync(handle)\n        return os.fstat(handle)\n",
        "        return os.fstat(handle)\n",
        DURABILITY,
        more=(
            (
                "    remove_temporaries(path)\n    fsync_folder(path.parent)\n",
                '    with path.open("rb") as late:\n        os.fsync(late.fileno())\n'
                "    remove_temporaries(path)\n    fsync_folder(path.parent)\n",
            ),
        ),
    ),
    m(
        "sync",
        "the wait for a replaced file's name",
        "store/files.py",
        "    remove_temporaries(path)\n    fsync_folder(path.parent)\n",
        "    remove_temporaries(path)\n",
        DURABILITY,
    ),
    m(
        "sync",
        "the wait for an appended line (backlog, torn lines, withdrawn approvals)",
        "store/files.py",
        "            os.fdatasync(handle)\n",
        "",
        DURABILITY,
    ),
    m(
        "sync",
        "the wait for the name of a file that is begun by appending",
        "store/files.py",
        "    if is_new:\n        fsync_folder(path.parent)\n",
        "",
        DURABILITY,
    ),
    m(
        "sync",
        "the wait for a new folder's name",
        "store/files.py",
        "        raise cannot_write(folder, error) from error\n    fsync_folder(folder.parent)\n",
        "        raise cannot_write(folder, error) from error\n",
        DURABILITY,
    ),
    m(
        "sync",
        "the wait for the approval key",
        "safety/keys.py",
        "            os.fsync(file.fileno())\n",
        "",
        DURABILITY,
    ),
    m(
        "sync",
        "the wait for the approval key's name",
        "safety/keys.py",
        "        os.fsync(folder)\n",
        "",
        DURABILITY,
    ),
    m(
        "sync",
        "the wait for the folders on a ref's path",
        "git/write.py",
        "    sync_folders(repo.git_dir, ref)\n",
        "",
        DURABILITY,
    ),
    m(
        "sync",
        "git's wait for refs",
        "git/program.py",
        '    ("core.fsync", "objects,derived-metadata,reference"),\n',
        "",
        DURABILITY,
    ),
    m(
        "sync",
        "git's wait, which a repository's config weakens",
        "git/program.py",
        '    ("core.fsyncMethod", "fsync"),\n',
        "",
        DURABILITY,
    ),
)

ORDERS: tuple[Mutation, ...] = (
    m(
        "order",
        "the intent before a landing: it is journaled afterwards",
        "execution/finish.py",
        "        site.book.record(\n            entries.LandingBegun(",
        "        intent = (\n            entries.LandingBegun(",
        KILLED_LANDING,
        more=(
            (
                "        if isinstance(outcome, land.Landed):\n            return record\n",
                "        site.book.record(intent)\n"
                "        if isinstance(outcome, land.Landed):\n            return record\n",
            ),
        ),
    ),
    m(
        "order",
        "the intent before a rollback's landing",
        "execution/rollback.py",
        "    site.book.record(begun)\n",
        "",
        f"{ROLLBACK}::test_of_several_each_is_recorded_once",
    ),
    m(
        "order",
        "the reserve in the journal before a call",
        "agents/payment.py",
        "        self.book.record(\n            entries.CallBegun(",
        "        repr(\n            entries.CallBegun(",
        f"{AGENT}::test_every_call_and_every_effect_is_journaled_before_and_after",
    ),
    m(
        "order",
        "the intent before a tool with effects",
        "agents/loop.py",
        "            self._book.record(\n                entries.ToolBegun(",
        "            repr(\n                entries.ToolBegun(",
        f"{AGENT}::test_every_call_and_every_effect_is_journaled_before_and_after",
    ),
    m(
        "order",
        "the reserve in the purse before a call",
        "safety/budget.py",
        "        self._held[threading.get_ident()] = _Held(most + output, cost, day)\n",
        "",
        "tests/safety/test_budget.py",
    ),
    m(
        "order",
        "the copy of a torn line before it is cut off",
        "store/journal.py",
        '            append_durable(self._torn, torn + b"\\n")\n',
        "",
        JOURNAL,
    ),
)

LOCKED: tuple[Mutation, ...] = (
    m(
        "lock",
        "the run lock",
        "store/run_file.py",
        "    _take(lock, places)\n",
        "",
        RUN_FILE,
    ),
    m(
        "lock",
        "the journal's lock",
        "store/journal.py",
        "                take(self._lock)\n",
        "                pass\n",
        f"{LOCKS}::test_what_is_changed_is_locked_meanwhile",
        JOURNAL,
    ),
    m(
        "lock",
        "the backlog's lock",
        "store/backlog.py",
        "        take(lock)\n",
        "        pass\n",
        f"{LOCKS}::test_what_is_changed_is_locked_meanwhile",
    ),
    m(
        "lock",
        "no file in place of a lock",
        "store/locks.py",
        "fallback_to_soft=False",
        "fallback_to_soft=True",
        LOCKS,
    ),
    m(
        "lock",
        "the refusal of soft locks",
        "store/locks.py",
        "    if why := why_soft(mount):\n",
        "    if why := None:\n",
        LOCKS,
    ),
    m(
        "lock",
        "the moment for the holder to say who it is",
        "store/run_file.py",
        "            if holder is not None or time.monotonic() >= until:\n",
        "            if True:\n",
        f"{RUN_FILE}::test_who_has_just_taken_the_lock_is_given_a_moment_to_say_who_they_are",
    ),
    m(
        "lock",
        "only the run that is alive renders",
        "store/documents.py",
        "        return not run_info.is_other(run_info.alive(self._places))\n",
        "        return True\n",
        f"{DOCUMENTS}::test_a_command_leaves_the_documents_to_the_run_that_is_alive",
    ),
    m(
        "lock",
        "the start time beside the pid",
        "store/run_info.py",
        "    return info if process_start(info.pid) == info.process_start else None\n",
        "    return info\n",
        RUN_FILE,
    ),
    m(
        "lock",
        "the old value of a ref (compare-and-swap)",
        "git/write.py",
        "ref, new, old or zeros)",
        "ref, new)",
        GIT,
    ),
    m(
        "lock",
        "temporary files of living processes stay",
        "store/files.py",
        "            if pid.isdigit() and not _is_alive(int(pid)):\n",
        "            if pid.isdigit():\n",
        FILES,
    ),
)

NONCES: tuple[Mutation, ...] = (
    m(
        "nonce",
        "the look for a commit that landed and was not recorded",
        "phases/settle.py",
        "    found = tip and find_attempt("
        "site.repo, attempt.base_commit, tip, attempt.attempt_id)\n",
        "    found = None\n",
        KILLED_LANDING,
    ),
    m(
        "nonce",
        "the look for our own commit when a branch has moved",
        "execution/finish.py",
        "        found = find_attempt("
        "site.repo, attempt.begun.base_commit, outcome.tip, record.attempt_id)\n",
        "        found = None\n",
        f"{RACES}::test_our_own_commit_that_is_there_already_is_adopted_and_never_made_again",
    ),
    m(
        "nonce",
        "the nonce in what makes a commit ours",
        "git/read.py",
        'if c.trailers.get("Attempt-Id") == [attempt_id]',
        'if "Attempt-Id" in c.trailers',
        GIT,
    ),
    m(
        "nonce",
        "the request's id in an answer",
        "agents/toolbox.py",
        " or arguments.request_id == self._request_id:\n",
        " or True:\n",
        "tests/agents/test_toolbox.py",
    ),
    m(
        "nonce",
        "a rollback is recorded once",
        "execution/rollback.py",
        "        if record.key not in known or known[record.key].rollback is None:\n",
        "        if True:\n",
        f"{ROLLBACK}::test_of_several_each_is_recorded_once",
    ),
)

CHECKS: tuple[Mutation, ...] = (
    m(
        "check",
        "the mac of an approval",
        "safety/gate.py",
        "        if record.solution_id != solution.solution_id or not hmac.compare_digest(\n"
        "            approval.mac, self._mac(solution.solution_id, approval)\n        ):\n",
        "        if record.solution_id != solution.solution_id:\n",
        GATE,
    ),
    m(
        "check",
        "the digest of what was approved",
        "safety/gate.py",
        "        if not hmac.compare_digest(approval.digest, plan_digest(solution, plan)):\n",
        "        if False:\n",
        GATE,
    ),
    m(
        "check",
        "an approval that was taken back stays void",
        "safety/gate.py",
        "        if self._is_withdrawn(approval):\n",
        "        if False:\n",
        "tests/attacks/test_old_decisions.py",
    ),
    m(
        "check",
        "the end of an approval",
        "safety/gate.py",
        "        if now >= approval.expires_at:\n",
        "        if False:\n",
        GATE,
    ),
    m(
        "check",
        "drift of a plan's ground",
        "safety/gate.py",
        "        if stale := self._terrain.drift(solution, approval, state, landings, tip):\n",
        "        if stale := None:\n",
        GATE,
    ),
    m(
        "check",
        "drift when the branch has moved before landing",
        "execution/finish.py",
        "    if tree is None or not site.gate.still_cleared(cleared, site.book.state, tip):\n",
        "    if tree is None:\n",
        f"{RACES}::test_a_foreign_commit_on_its_file_keeps_a_change_from_landing_although_both_fit",
    ),
    m(
        "check",
        "the tests of a change that was moved",
        "execution/finish.py",
        "    if not is_good(verification, ran, site.suite):\n",
        "    if False:\n",
        f"{RESUME}::test_a_foreign_commit_that_breaks_the_moved_change_keeps_it_from_landing",
    ),
    m(
        "check",
        "a branch that somebody has checked out",
        "execution/finish.py",
        "        if reason := land.in_the_way(site.repo, site.run.branch):\n",
        "        if reason := None:\n",
        f"{RESUME}::test_a_branch_that_is_checked_out_while_the_agent_works_parks_the_attempt",
    ),
    m(
        "check",
        "a decision that comes in while an attempt is begun",
        "execution/single.py",
        "            if state.planning.get(record.key) != record:\n",
        "            if False:\n",
        f"{MEANWHILE}::test_a_plan_that_is_rejected_right_after_the_gate_has_cleared_it_is_not_begun",
    ),
    m(
        "check",
        "the journal's chain before a run",
        "store/journal.py",
        "            if line.prev != prev or not line.is_sound:\n",
        "            if False:\n",
        JOURNAL,
    ),
    m(
        "check",
        "hashes of lines in the audit",
        "store/chain.py",
        "    if not line.is_sound:\n",
        "    if False:\n",
        CHAIN,
    ),
    m(
        "check",
        "links between lines in the audit",
        "store/chain.py",
        "    elif line.prev != (before.hash if before else NO_HASH) and (before or number == 1):\n",
        "    elif False:\n",
        CHAIN,
    ),
    m(
        "check",
        "the head in the journal",
        "store/head.py",
        "    return tail == head.hash.encode() + b'\"}\\n'\n",
        "    return True\n",
        AUDIT,
    ),
    m(
        "check",
        "a document that knows more than the journal",
        "store/documents.py",
        "        if seq > self._state.seq:\n",
        "        if False:\n",
        f"{DOCUMENTS}::test_a_journal_that_lost_lines_stops_the_work",
    ),
    m(
        "check",
        "the cut of a torn line",
        "store/journal.py",
        "            os.ftruncate(handle, self._end)  # safe with",
        "            pass  # safe with",
        JOURNAL,
    ),
    m(
        "check",
        "the cut of a line that a full disk left unfinished",
        "store/journal.py",
        "        except OSError:\n            os.ftruncate(handle, self._end)\n            raise\n",
        "        except OSError:\n            raise\n",
        JOURNAL,
    ),
    m(
        "check",
        "the reserve of a call that broke off",
        "safety/budget.py",
        "                    account.lose(held)\n",
        "                    pass\n",
        "tests/agents/test_payment.py",
    ),
    m(
        "check",
        "who may read the approval key",
        "safety/keys.py",
        "    if mode & 0o077:\n",
        "    if False:\n",
        "tests/safety/test_keys.py",
    ),
)

MUTATIONS: tuple[Mutation, ...] = (*SYNCS, *ORDERS, *LOCKED, *NONCES, *CHECKS)
