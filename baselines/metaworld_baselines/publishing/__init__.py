"""From runs to agents, tables, figures and the leaderboard."""
