"""The two agents: mailbox, conversation, what they are told, what they may call."""
