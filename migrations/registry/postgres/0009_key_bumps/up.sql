-- Subjects whose issuer keys are replaced, by the generation of the manifest that names the new ones.
CREATE TABLE key_bumps (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    generation INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, generation)
);
