-- People, what they belong to, and where they are signed in.
CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    role          text NOT NULL CHECK (role IN ('dev_admin', 'admin', 'user')),
    password_hash text,
    token_version integer NOT NULL DEFAULT 1,
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL,
    last_login_at timestamptz
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
COMMENT ON COLUMN users.password_hash IS 'argon2id in PHC form; null until a setup token is redeemed.';
COMMENT ON COLUMN users.token_version IS 'Raised to revoke every access token of this user at once.';

CREATE TABLE user_memberships (
    user_id         uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    role            text NOT NULL CHECK (role IN ('org_admin', 'technician', 'viewer')),
    PRIMARY KEY (user_id, organization_id)
);
CREATE INDEX user_memberships_organization_idx ON user_memberships (organization_id);

CREATE TABLE user_sessions (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    address    text,
    user_agent text
);
CREATE INDEX user_sessions_user_idx ON user_sessions (user_id);
CREATE INDEX user_sessions_expires_idx ON user_sessions (expires_at);
COMMENT ON TABLE user_sessions IS 'One row per access token; the token names its row, so that signing out works at once.';
