-- The rules of an evaluation as one canonical JSON document; a published one never changes.
CREATE TABLE methodologies (
    id TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    edition INTEGER NOT NULL CHECK (edition >= 1),
    state TEXT NOT NULL CHECK (state IN ('draft', 'published')),
    document TEXT NOT NULL,
    digest TEXT NOT NULL,
    has_draft_texts BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    published_at TIMESTAMP,
    version BIGINT NOT NULL,
    UNIQUE (code, edition),
    CHECK ((state = 'published') = (published_at IS NOT NULL))
);
