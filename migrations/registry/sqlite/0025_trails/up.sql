-- What two persons approved of an evaluation or a cycle belongs to its trail.
CREATE INDEX approvals_by_object ON approvals (object_id);
