"""The registry's pages for people: files that need no server, made of what the registry holds."""
