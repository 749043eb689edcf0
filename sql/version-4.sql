-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Version 4: when a bad state of an uplink began.

-- The column was never filled. Now it has the time of the last answer or of the first failed check,
-- in ms since 1970.
ALTER TABLE health_sample RENAME COLUMN handshake TO began;
