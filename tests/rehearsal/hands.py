"""A small agent loop with plain tools: enough to see whether a script's work really works."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from pipeline.agents.tools.specs import KINDS
from tests.rehearsal.clients import Claude, assistant

PLANNER = ("read_file", "list_files", "search", "run_command", "submit_solution")
EXECUTOR = ("read_file", "edit_file", "write_file", "run_command", "finish_task", "submit_result")
ROLES = {"planner": PLANNER, "executor": EXECUTOR}
FINAL = ("submit_solution", "submit_result")


def shell(folder: Path, command: str) -> tuple[int, str]:
    """Run a command in `folder` with the Python of this test; return exit code and output."""
    script = command.replace("python3 ", f"{shlex.quote(sys.executable)} -B ")
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


class Hands:
    """Does in `folder` what the model asks for, and remembers how each `finish_task` ended."""

    def __init__(self, folder: Path, tests: dict[str, list[str]]) -> None:
        self.folder = folder
        self.tests = tests
        self.finishes: list[tuple[str, bool]] = []

    def do(self, name: str, arguments: dict) -> str:
        return getattr(self, name)(**arguments)

    def read_file(self, path: str, **lines: object) -> str:
        return (self.folder / path).read_text()

    def list_files(self, path: str, glob: str | None) -> str:
        return "\n".join(str(p) for p in (self.folder / path).rglob(glob or "*"))

    def search(self, pattern: str, path: str | None, glob: str | None) -> str:
        found = (self.folder / (path or ".")).rglob(glob or "*")
        return "\n".join(str(p) for p in found if p.is_file() and pattern in p.read_text())

    def run_command(self, command: str, timeout_s: int | None) -> str:
        code, output = shell(self.folder, command)
        assert code == 0, output
        return output

    def edit_file(self, path: str, old_string: str, new_string: str, replace_all: bool) -> str:
        text = (self.folder / path).read_text()
        assert text.count(old_string) == 1, f"{path}: {old_string!r} is not there exactly once"
        (self.folder / path).write_text(text.replace(old_string, new_string))
        return "edited"

    def write_file(self, path: str, content: str) -> str:
        assert not (self.folder / path).exists()
        (self.folder / path).write_text(content)
        return "written"

    def finish_task(self, task_id: str, summary: str) -> str:
        outcomes = [shell(self.folder, command) for command in self.tests[task_id]]
        passed = all(code == 0 for code, _ in outcomes)
        self.finishes.append((task_id, passed))
        return "passed" if passed else "failed: " + outcomes[0][1]


def play(claude: Claude, role: str, text: str, hands: Hands) -> dict:
    """Drive one turn to its final tool; return that tool's arguments, checked by its model."""
    tools = [
        {
            "name": kind.name,
            "description": kind.description,
            "strict": True,
            "input_schema": kind.schema,
        }
        for kind in (KINDS[name] for name in ROLES[role])
    ]
    messages: list[dict] = [{"role": "user", "content": text}]
    for _ in range(30):
        message = claude.ask(messages, tools=tools)
        came_back = []
        for block in message.content:
            if block.type != "tool_use":
                continue
            KINDS[block.name].model.model_validate_json(json.dumps(block.input))
            if block.name in FINAL:
                return block.input
            result = hands.do(block.name, block.input)
            came_back.append({"type": "tool_result", "tool_use_id": block.id, "content": result})
        messages += [assistant(message), {"role": "user", "content": came_back}]
    raise AssertionError("no answer after 30 calls")
