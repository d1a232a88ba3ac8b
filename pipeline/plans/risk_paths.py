"""Which paths make a plan riskier than the step that changes them, and why: one row a kind.

The levels are seed 002's: system changes and database operations HIGH, security, production impact
and API modifications CRITICAL. A row counts for what it says is done to the file.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from pipeline.domain.plan import RiskLevel
from pipeline.domain.solution import FileAction
from pipeline.plans.globs import together
from pipeline.settings import LOCK_FILES, TEST_FILES

ANY = frozenset(FileAction)
CHANGED = frozenset({FileAction.MODIFY, FileAction.DELETE})
CREATED = frozenset({FileAction.CREATE})


@dataclass(frozen=True)
class PathRule:
    """Paths of one kind, how risky doing one of `actions` to them is, and why."""

    kind: str
    level: RiskLevel
    reason: str
    globs: tuple[str, ...]
    actions: frozenset[FileAction] = ANY
    apart_from: tuple[str, ...] = ()
    """Globs of paths that are not meant."""

    def covers(self, path: str, actions: Collection[FileAction]) -> bool:
        """Tell whether one of the `actions` on `path` is meant.

        Case does not count: to some file systems it does not, and programs look for either.
        """
        return (
            not self.actions.isdisjoint(actions)
            and _matches(path, self.globs)
            and not _matches(path, self.apart_from)
        )


def _matches(path: str, globs: tuple[str, ...]) -> bool:
    return _together(globs).fullmatch(path.casefold()) is not None


@cache
def _together(globs: tuple[str, ...]) -> re.Pattern[str]:
    return together(glob.casefold() for glob in globs)


API_CONTRACTS = (
    *("**/openapi*.yaml", "**/openapi*.yml", "**/openapi*.json", "**/asyncapi*.y*ml"),
    *("**/swagger*.yaml", "**/swagger*.yml", "**/swagger*.json", "**/*.proto", "**/*.graphql"),
    *("**/*.graphqls", "**/*.gql", "**/*.d.ts", "**/*.thrift", "**/*.avsc", "**/*.wsdl"),
    "**/*.raml",
)
ENTRY_POINTS = (
    *("**/__init__.py", "**/__init__.pyi", "**/index.ts", "**/index.tsx", "**/index.js"),
    *("**/index.mjs", "**/index.cjs", "**/lib.rs", "**/mod.rs", "**/package-info.java"),
    *("**/module-info.java", "include/**/*.h", "include/**/*.hpp"),
)

PATH_RULES: tuple[PathRule, ...] = (
    PathRule(
        "CI",
        RiskLevel.CRITICAL,
        "CI runs it with the project's secrets",
        (
            *(".github/workflows/**", ".github/actions/**", "**/action.yml", "**/action.yaml"),
            *(".circleci/**", ".buildkite/**", ".gitlab-ci.yml", ".gitlab/ci/**", ".travis.yml"),
            *(".drone.yml", ".woodpecker/**", ".woodpecker.yml", "azure-pipelines*.yml"),
            *("bitbucket-pipelines.yml", "appveyor.yml", "**/Jenkinsfile", ".cirrus.yml"),
        ),
    ),
    PathRule(
        "secrets",
        RiskLevel.CRITICAL,
        "it holds secrets",
        (
            *("**/.env", "**/.env.*", "**/*.pem", "**/*.key", "**/*.p12", "**/*.pfx", "**/*.jks"),
            *("**/id_rsa*", "**/id_ed25519*", "**/.netrc", "**/.pgpass", "**/.htpasswd"),
        ),
        apart_from=("**/.env.example", "**/.env.sample", "**/.env.template"),
    ),
    PathRule(
        "review",
        RiskLevel.CRITICAL,
        "it says who has to review what",
        ("**/CODEOWNERS", "**/OWNERS", "**/MAINTAINERS"),
    ),
    PathRule(
        "production",
        RiskLevel.CRITICAL,
        "it says what runs in production",
        (
            *("**/*.tf", "**/*.tfvars", "**/k8s/**", "**/kubernetes/**", "**/helm/**"),
            *("**/charts/*/templates/**", "**/ansible/**", "**/Procfile", "**/fly.toml"),
            *("**/vercel.json", "**/netlify.toml", "**/serverless.yml", "**/Pulumi.yaml"),
        ),
    ),
    PathRule(
        "API contract",
        RiskLevel.CRITICAL,
        "it is a contract that others build on",
        API_CONTRACTS,
        CHANGED,
        apart_from=TEST_FILES,
    ),
    PathRule(
        "new API contract",
        RiskLevel.MEDIUM,
        "it is a contract that others will build on",
        API_CONTRACTS,
        CREATED,
        apart_from=TEST_FILES,
    ),
    PathRule(
        "entry point",
        RiskLevel.HIGH,
        "it is what others import",
        ENTRY_POINTS,
        CHANGED,
        apart_from=TEST_FILES,
    ),
    PathRule(
        "build",
        RiskLevel.HIGH,
        "it decides how the project is built, packaged or installed",
        (
            *("**/pyproject.toml", "**/setup.py", "**/setup.cfg", "**/MANIFEST.in", "**/tox.ini"),
            *("**/noxfile.py", "**/Makefile", "**/makefile", "**/GNUmakefile", "**/*.mk"),
            *(
                "**/CMakeLists.txt",
                "**/*.cmake",
                "**/configure",
                "**/configure.ac",
                "**/meson.build",
            ),
            *("**/BUILD", "**/BUILD.bazel", "**/WORKSPACE", "**/MODULE.bazel", "**/justfile"),
            *("**/build.gradle", "**/build.gradle.kts", "**/settings.gradle*", "**/gradlew"),
            *("**/gradle/wrapper/**", "**/pom.xml", "**/build.xml", "**/build.rs", "**/Rakefile"),
            *("**/*.csproj", "**/*.gemspec", "**/Dockerfile", "**/Dockerfile.*", "**/*.dockerfile"),
            *("**/docker-compose*.y*ml", "**/compose.y*ml", "**/webpack.config.*"),
            *("**/Containerfile", "**/gradle.properties", "**/.mvn/**", "**/.bazelrc"),
            *("**/gulpfile.*", "**/Gruntfile.*", "**/eslint.config.*", "**/.eslintrc.*js"),
            *("**/vite.config.*", "**/rollup.config.*", "**/babel.config.*", "**/conda.recipe/**"),
        ),
    ),
    PathRule(
        "dependencies",
        RiskLevel.HIGH,
        "it decides whose code the project runs",
        (
            *("**/package.json", "**/requirements*.txt", "**/requirements/*.txt", "**/Pipfile"),
            *("**/constraints*.txt", "**/environment.y*ml", "**/Cargo.toml", "**/go.mod"),
            *("**/Gemfile", "**/composer.json", "**/Package.swift", "**/pubspec.yaml"),
            *("**/mix.exs", "**/deps.edn", "**/build.sbt", "**/libs.versions.toml"),
            *(
                "**/.npmrc",
                "**/.yarnrc*",
                "**/.pnpmfile.cjs",
                "**/bunfig.toml",
                "**/pip.conf",
                "**/.cargo/config.toml",
                ".gitmodules",
            ),
            *(".github/dependabot.yml", "**/renovate.json"),
        ),
    ),
    PathRule(
        "lock file",
        RiskLevel.MEDIUM,
        "it pins whose code the project runs",
        (*LOCK_FILES, "**/npm-shrinkwrap.json", "**/bun.lock*", "**/pubspec.lock", "**/mix.lock"),
    ),
    PathRule(
        "database",
        RiskLevel.HIGH,
        "it changes what a database holds",
        (
            *("**/migrations/**", "**/migrate/**", "**/alembic/**", "**/*.sql", "**/*.prisma"),
            *("**/db/schema.rb", "**/liquibase/**", "**/flyway/**"),
        ),
    ),
    PathRule(
        "developers' machines",
        RiskLevel.HIGH,
        "it runs on the machines of those who work here",
        (
            *(".pre-commit-config.yaml", ".husky/**", ".githooks/**", ".devcontainer/**"),
            *(".vscode/**", ".idea/**", "**/.gitattributes", "**/.envrc", "lefthook.y*ml"),
            *("**/.tool-versions", "**/mise.toml", "**/.mise.toml", "**/Vagrantfile"),
            *("**/flake.nix", "**/shell.nix", "**/default.nix", "**/Tiltfile"),
        ),
    ),
    PathRule(
        "unasked code",
        RiskLevel.HIGH,
        "Python or a test runner runs it without being asked",
        (
            *("**/sitecustomize.py", "**/usercustomize.py", "**/*.pth", "**/pytest.ini"),
            *("**/jest.config.*", "**/vitest.config.*", "**/.mocharc.*"),
        ),
    ),
    PathRule(
        "agents",
        RiskLevel.HIGH,
        "agents that work here later take it as instruction",
        (
            "**/AGENTS.md",
            "**/CLAUDE.md",
            "**/GEMINI.md",
            ".cursorrules",
            ".cursor/**",
            ".claude/**",
            *("**/.mcp.json", ".vscode/mcp.json", ".github/copilot-instructions.md"),
            *(".github/instructions/**", ".windsurfrules", ".windsurf/**", ".clinerules/**"),
            *(".codex/**", ".gemini/**", "**/SKILL.md"),
        ),
    ),
)

CRITICAL_WORDS = frozenset(
    {
        *("auth", "authentication", "authorization", "oauth", "jwt", "login", "permission"),
        *("permissions", "password", "passwords", "passwd", "secret", "secrets", "credential"),
        *("credentials", "crypto", "sudoers"),
    }
)
"""Words in a path that make its change CRITICAL: it decides about access (seed 002)."""

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def path_risks(path: str, actions: Collection[FileAction]) -> Iterator[tuple[RiskLevel, str]]:
    """Yield why doing `actions` to `path` is riskier than to another file, with the level."""
    for rule in PATH_RULES:
        if rule.covers(path, actions):
            yield rule.level, rule.reason
    words = {word.lower() for word in WORD.findall(path)} & CRITICAL_WORDS
    if words:
        yield RiskLevel.CRITICAL, f"its name says {min(words)!r}: it may decide about access"
