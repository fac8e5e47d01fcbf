-- A command that ends closes the orders to cancel it. After the cancel of a run there are thousands of open ones.
CREATE INDEX agent_envelopes_command_idx ON agent_envelopes (command_id) WHERE done_at IS NULL;
