"""What an agent costs as the night goes on."""
