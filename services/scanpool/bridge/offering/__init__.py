"""What a client finds: tools, resources, prompts, completions of their arguments, subscriptions, and waits as tasks."""
