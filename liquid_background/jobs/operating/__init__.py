"""What operators do and ask beyond single jobs: operations, pauses, failures, statistics, space, the audit."""
