DROP INDEX approvals_by_object;
