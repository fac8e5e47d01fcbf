-- How somebody wants a page to look, for themselves or for others too.
CREATE TABLE saved_views (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    page            text NOT NULL CHECK (page IN ('agents', 'commands', 'audit', 'software', 'organizations')),
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    query           jsonb NOT NULL,
    columns         text[] NOT NULL,
    shared          text NOT NULL CHECK (shared IN ('nobody', 'organization', 'everyone')),
    organization_id uuid REFERENCES organizations (id),
    created_at      timestamptz NOT NULL,
    CHECK ((shared = 'organization') = (organization_id IS NOT NULL))
);
CREATE UNIQUE INDEX saved_views_name_key ON saved_views (user_id, page, lower(name));
CREATE INDEX saved_views_organization_idx ON saved_views (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX saved_views_everyone_idx ON saved_views (page) WHERE shared = 'everyone';
COMMENT ON COLUMN saved_views.query IS 'Parameters of the page''s address: names and values, bounded by the server.';
COMMENT ON COLUMN saved_views.columns IS 'Columns in their order; empty: the page''s own choice.';
COMMENT ON COLUMN saved_views.organization_id IS 'Whose members have it; deleting the organization ends the sharing.';
