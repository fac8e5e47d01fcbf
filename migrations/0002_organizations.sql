-- Customers and their places.
CREATE TABLE organizations (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX organizations_name_key ON organizations (lower(name)) WHERE deleted_at IS NULL;
COMMENT ON COLUMN organizations.deleted_at IS 'Set by deleting: the row stays, because the history of its agents names it.';

CREATE TABLE sites (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    UNIQUE (id, organization_id)
);
CREATE UNIQUE INDEX sites_name_key ON sites (organization_id, lower(name)) WHERE deleted_at IS NULL;
COMMENT ON COLUMN sites.deleted_at IS 'As for organizations.';
COMMENT ON CONSTRAINT sites_id_organization_id_key ON sites IS 'Lets other tables prove by foreign key that site and organization belong together.';
