-- include: time keep rights log enqueue group record among foreign acts audit
-- Take a job back. ARGV: id, by whom, log limit, then the values of a log entry (attempt, status, final are set here).
-- Returns ok, RQ's status of a job that cannot be cancelled any more, or missing.
check_rights()
-- name: ENTRY from ARGV at 4 as entry
local found = cancel_job(ARGV[1], ARGV[3], entry)
if found == 'ok' then audit(ARGV[2], 'cancel', about_job(ARGV[1])) end
return found
