"""The teacher's page: how to join, who is there, what everybody does, what is shown, what is kept."""
