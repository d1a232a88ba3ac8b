"""`pipeline audit verify`: the journal is what was written, and its approvals are signed."""

from pipeline.app.auditing import proof_of
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.domain.base import iso
from pipeline.domain.counting import counted
from pipeline.safety.audit import Proof, Signature


def command(repo: Repo = HERE, as_json: Json = False) -> int:
    """Prove the journal's chain, its end, and the signature of every approval in it.

    A line that was changed, removed, moved or put in is named; exit code 1 says that something is
    not as it was written. It can be asked while a run is alive.

    Example: pipeline audit verify
    """
    proof = proof_of(open_project(repo))
    if as_json:
        print_json(_object(proof))
    else:
        print_text("\n".join(_lines(proof)))
    return 0 if proof.holds else 1


def _lines(proof: Proof) -> list[str]:
    flaws = [
        f"journal.jsonl line {flaw.line}: {flaw.what}"
        if flaw.line
        else f"journal.jsonl: {flaw.what}"
        for flaw in proof.flaws
    ]
    chain = f"{counted(proof.lines, 'line')}: " + (
        "NOT as they were written" if flaws else "the chain holds"
    )
    counting = sum(one.reason is None for one in proof.signatures)
    signed = sum(one.is_signed for one in proof.signatures)
    approvals = (
        f"{counted(len(proof.signatures), 'approval')}: {signed} signed, {counting} in force"
    )
    notes = [f"note: {note}" for note in proof.notes]
    return [*flaws, chain, approvals, *map(_signature, proof.signatures), *notes]


def _signature(one: Signature) -> str:
    word = "in force" if one.reason is None else one.reason
    mark = "  " if one.is_signed else "! "
    return f"{mark}line {one.line}  {one.solution_id} by {one.approval.approver}: {word}"


def _object(proof: Proof) -> dict[str, object]:
    return {
        "holds": proof.holds,
        "lines": proof.lines,
        "flaws": [{"line": flaw.line, "what": flaw.what} for flaw in proof.flaws],
        "approvals": [
            {
                "line": one.line,
                "at": iso(one.at),
                "solution_id": one.solution_id,
                "approver": one.approval.approver,
                "role": one.approval.role,
                "rule": one.approval.rule,
                "digest": one.approval.digest,
                "expires_at": iso(one.approval.expires_at),
                "signed": one.is_signed,
                "in_force": one.reason is None,
                "reason": one.reason,
            }
            for one in proof.signatures
        ],
        "notes": list(proof.notes),
    }
