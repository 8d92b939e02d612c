"""Search and confirm: tune every arm on validation, judge the winners on fresh seeds."""
