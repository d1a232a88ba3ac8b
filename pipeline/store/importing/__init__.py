"""Issues from elsewhere: one file for each form, a table of forms, and one way into the backlog."""
