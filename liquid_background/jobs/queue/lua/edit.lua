-- include: time keep rights log enqueue among audit
-- Enqueue a job that was made from one that has ended, which stays. ARGV: the old id, by whom, which values are others, log
-- limit, then the new job. Returns ok, RQ's status of a job that has not ended, missing, or there when the new id has a record.
local FIRST = 5
local key = 'rq:job:' .. ARGV[1]
-- fetch: status origin from key
if record.err or not status or is_of_another_site(origin) then return 'missing' end
if not is_among(ENDED, status) then return status end
check_rights()
local known = known_ids(ARGV, FIRST, 1)
if next(known) then return 'there' end
enqueue_all(ARGV, FIRST, 1, ARGV[4], known)
audit(ARGV[2], 'edit', about_job(ARGV[1]) .. ' as job ' .. ARGV[FIRST] .. ': ' .. ARGV[3])
return 'ok'
