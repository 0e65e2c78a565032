"""GitLab: the commit, its checks, its merge request and the last deployment, through API v4."""
