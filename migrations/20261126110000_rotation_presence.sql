-- Whoever acts holds an advisory lock of the rotation's id besides the lease, for as long as its connection is open.
ALTER TABLE secret_rotations ADD COLUMN present boolean NOT NULL DEFAULT false;
