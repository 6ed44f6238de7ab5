-- include: time keep rights log enqueue group record among audit
-- Take a job back. ARGV: id, by whom, log limit, then the values of a log entry (attempt, status, final are set here).
-- Returns ok, RQ's status of a job that cannot be cancelled any more, or missing.
local id = ARGV[1]
local key = 'rq:job:' .. id
-- fetch: status origin lb_token lb_attempt failure_ttl retry_intervals lb_final lb_group lb_held description from key
local queue = queue_of(origin)
if record.err or not status or is_of_another_site(origin) then return 'missing' end
if is_among(ENDED, status) then return status end
check_rights()
redis.call('PERSIST', key)  -- first: what follows is taken by a full store, too, which needs it most
audit(ARGV[2], 'cancel', 'job ' .. id .. ' (' .. (description or '') .. ')')
if status == 'started' and on('ZSCORE', LEASES, id) then
  redis.call('HSET', key, 'lb_cancel', 1)
  return 'ok'
end
if status == 'queued' then on('LREM', QUEUE .. queue, 1, id) end
if status == 'scheduled' then on('ZREM', SCHEDULED .. queue, id) end
if status == 'deferred' and lb_held then
  on('ZREM', held_in(lb_held, queue), id)
  on('ZREM', DEFERRED .. queue, id)
  redis.call('HDEL', key, 'lb_held')
elseif status == 'deferred' and lb_group then
  on('LREM', parked_in(lb_group, queue), 1, id)
  on('ZREM', DEFERRED .. queue, id)
end
if lb_token then
  release(key, id, queue, lb_token, '', false)
elseif lb_group then
  leave_group(lb_group, id)
end
close_cancelled(key, id, queue, ttl_of(failure_ttl))
-- name: ENTRY from ARGV at 4 as entry
entry.attempt = lb_final and 0 or whole(lb_attempt, 0)
entry.max_attempts, entry.status, entry.final = #waits_of(retry_intervals) + 1, 'CANCELLED', 1
log(ARGV[3], entry)
return 'ok'
