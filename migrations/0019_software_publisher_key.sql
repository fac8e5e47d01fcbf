-- Publishers are found in any case: the collation C knows the lower case of ASCII only.
ALTER TABLE software_titles ADD COLUMN publisher_key text COLLATE "C";
CREATE INDEX software_titles_unfolded_idx ON software_titles (id) WHERE publisher_key IS NULL;
COMMENT ON COLUMN software_titles.publisher_key IS 'The publisher in lower case, as key is of the name; NULL as an earlier version of the server leaves it, filled in by a pass.';
