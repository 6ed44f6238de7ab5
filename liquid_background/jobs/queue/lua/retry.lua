-- include: time keep rights log enqueue group record among foreign acts audit
-- Start a new run of a job that has ended. ARGV: id, its new signature or '' when nothing is signed, by whom.
-- Returns ok, RQ's status of a job that cannot be retried, missing, or signed (by a key that the caller has not).
check_rights()
local found = retry_job(ARGV[1], ARGV[2])
if found == 'ok' then audit(ARGV[3], 'retry', about_job(ARGV[1])) end
return found
