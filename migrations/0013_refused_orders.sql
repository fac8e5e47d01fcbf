-- An order that its agent does not follow has an end, and says why.
ALTER TABLE agent_envelopes ADD COLUMN refusal text, ADD COLUMN renewals integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN agent_envelopes.refusal IS 'Why it was not followed: the agent refused it, or a restored backup made it void. It is done then.';
COMMENT ON COLUMN agent_envelopes.renewals IS 'How often it was signed anew with a later expiry, because it had expired when the agent got it.';
CREATE INDEX agent_envelopes_decommission_idx ON agent_envelopes (agent_id, created_at) WHERE kind = 'decommission';
