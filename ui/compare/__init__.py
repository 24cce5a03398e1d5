"""The Compare page: all runs in one table, any of them in one chart."""
