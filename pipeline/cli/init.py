"""`pipeline init`: set up `.workflow/` in a repository."""

import typer

from pipeline.app.project import open_project, set_up
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json
from pipeline.git import head_commit, list_files, show_file
from pipeline.plans.project import detect_project


def command(repo: Repo = HERE, as_json: Json = False) -> None:
    """Make .workflow/ with a commented config.toml; what is there already stays.

    Example: cd my-project, then: pipeline init
    """
    project = open_project(repo, initialized=False)
    places = project.places
    made = set_up(project)
    commit = head_commit(project.repo)
    found = detect_project(
        lambda path: show_file(project.repo, commit, path), list_files(project.repo, commit)
    )
    if as_json:
        print_json(
            {
                "root": str(project.repo.root),
                "written": [str(path.relative_to(project.repo.root)) for path in made],
                "languages": found.languages,
                "test_command": found.test_command,
            }
        )
        return
    typer.echo(f"set up {places.workflow}" if made else f"{places.workflow} was set up before")
    typer.echo(f"languages: {', '.join(found.languages) or 'none recognised'}")
    typer.echo(
        f"tests: {found.test_command}"
        if found.test_command
        else "tests: none found; set tests.command in .workflow/config.toml"
    )
    typer.echo('next: pipeline doctor, then pipeline add "..." or pipeline import --help')
