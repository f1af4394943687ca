"""Who is who and what is true of them: contributions, the golden record, matching. Pure."""
