-- Lists of agents ask for every record that claims to be the same machine as another one; there are few.
CREATE INDEX agents_duplicate_idx ON agents (duplicate_of) WHERE duplicate_of IS NOT NULL;
