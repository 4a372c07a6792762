"""The command lines: options read, work done, exit statuses."""
