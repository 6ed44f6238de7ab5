-- include: time keep rights log enqueue group record among acts audit
-- Forget a job that has ended. ARGV: id, by whom. Returns ok, RQ's status of a job that has not ended, or missing.
check_rights()
local about = about_job(ARGV[1])
local found = delete_job(ARGV[1])
if found == 'ok' then audit(ARGV[2], 'delete', about) end
return found
