-- include: time keep rights log enqueue group record among out
-- Delete a job that does not run: its record, its results, and its id where it stands. Of one that waits, the log says that
-- it was taken back. ARGV: id, log limit, then the values of a log entry (attempt, status, final are set here).
-- Returns ok, RQ's status of a job that runs, or missing.
local id = ARGV[1]
local key = 'rq:job:' .. id
-- fetch: status origin lb_token lb_attempt retry_intervals lb_final lb_group from key
local queue = queue_of(origin)
if is_of_another_site(origin) or redis.call('EXISTS', key) == 0 then return 'missing' end
if status == 'started' then return status end
check_rights()
local waits = not record.err and not is_among(ENDED, status)
if waits then take_out(key, id, queue, status or 'queued', lb_token, lb_group) end
for _, state in ipairs(ENDED_IN) do on('ZREM', 'rq:' .. state .. ':' .. SITE .. queue, id) end
redis.call('DEL', key, 'rq:results:' .. id, 'rq:executions:' .. id)
if waits then
  -- name: ENTRY from ARGV at 3 as entry
  entry.attempt = lb_final and 0 or whole(lb_attempt, 0)
  entry.max_attempts, entry.status, entry.final = #waits_of(retry_intervals) + 1, 'CANCELLED', 1
  log(ARGV[2], entry)
end
return 'ok'
