"""The nouns on disk: journal, results documents, backlog, run file, transcripts."""
