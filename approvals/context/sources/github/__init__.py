"""GitHub: the commit, its checks, its pull request and the last deployment, by its REST API."""
