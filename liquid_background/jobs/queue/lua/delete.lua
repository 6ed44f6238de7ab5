-- include: time keep rights log enqueue group record among foreign acts audit
-- Delete a job that does not run: its record, its results, and its id where it stands. Of one that waits, the log says that
-- it was taken back. ARGV: id, by whom, log limit, then the values of a log entry (attempt, status, final are set here).
-- Returns ok, RQ's status of a job that runs, or missing.
check_rights()
-- name: ENTRY from ARGV at 4 as entry
local about = about_job(ARGV[1])
local found = delete_job(ARGV[1], ARGV[3], entry)
if found == 'ok' then audit(ARGV[2], 'delete', about) end
return found
