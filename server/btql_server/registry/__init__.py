"""What has a name and an id beside the data: organizations, projects, experiments, datasets, prompts."""
