# From a git repository with a test to an approved plan, as in the README.
pipeline init
pipeline add "Slugs keep underscores"
pipeline plan
pipeline show SOL-ISS-001-1
pipeline approve SOL-ISS-001-1
