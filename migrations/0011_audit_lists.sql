-- The audit list is ordered by time; each filter finds its rows in that order, so that no page reads more than it shows.
CREATE INDEX audit_log_at_idx ON audit_log (at, id);
CREATE INDEX audit_log_action_idx ON audit_log (action, at, id);
CREATE INDEX audit_log_actor_idx ON audit_log (actor_label, at, id);
CREATE INDEX audit_log_outcome_idx ON audit_log (outcome, at, id);
CREATE INDEX audit_log_organization_at_idx ON audit_log (organization_id, at, id);
CREATE INDEX audit_log_agent_at_idx ON audit_log (agent_id, at, id) WHERE agent_id IS NOT NULL;
DROP INDEX audit_log_organization_idx;
DROP INDEX audit_log_agent_idx;
