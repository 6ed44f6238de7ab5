-- include: time keep rights log enqueue group record
-- Take a job back. ARGV: id, log limit, then the values of a log entry (attempt, status, final are set here).
-- Returns ok, RQ's status of a job that cannot be cancelled any more, or missing.
local id = ARGV[1]
local key = 'rq:job:' .. id
local record = redis.pcall('HMGET', key, 'status', 'origin', 'lb_token', 'lb_attempt', 'failure_ttl',
  'retry_intervals', 'lb_final', 'lb_group')
local status, queue, token = record[1], queue_of(record[2]), record[3]
if record.err or not status then return 'missing' end
if status == 'finished' or status == 'failed' or status == 'canceled' or status == 'stopped' then return status end
check_rights()
redis.call('PERSIST', key)  -- first: what follows is taken by a full store, too, which needs it most
if status == 'started' and on('ZSCORE', 'liquid_background:leases', id) then
  redis.call('HSET', key, 'lb_cancel', 1)
  return 'ok'
end
if status == 'queued' then on('LREM', 'rq:queue:' .. queue, 1, id) end
if status == 'scheduled' then on('ZREM', 'rq:scheduled:' .. queue, id) end
if status == 'deferred' and record[8] then
  on('LREM', parked_in(record[8], queue), 1, id)
  on('ZREM', 'rq:deferred:' .. queue, id)
end
if token then
  release(key, id, queue, token, '', false)
elseif record[8] then
  leave_group(record[8], id)
end
close_cancelled(key, id, queue, ttl_of(record[5]))
local entry = {unpack(ARGV, 3)}
entry[5] = record[7] and 0 or whole(record[4], 0)
entry[6], entry[7], entry[11] = #waits_of(record[6]) + 1, 'CANCELLED', 1
log(ARGV[2], entry)
return 'ok'
