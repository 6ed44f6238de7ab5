"""One module a command, each with the click command as `command`; the group loads a module when its command runs."""
