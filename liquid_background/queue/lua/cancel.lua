-- include: time log enqueue group record
-- Take a job back. ARGV: id, log limit, then the values of a log entry (attempt, status, final are set here).
-- Returns ok, or RQ's status of a job that cannot be cancelled any more.
local id = ARGV[1]
local key = 'rq:job:' .. id
local record = redis.call('HMGET', key, 'status', 'origin', 'lb_token', 'lb_attempt', 'failure_ttl',
  'retry_intervals', 'lb_final', 'lb_group')
local status, queue, token = record[1], record[2] or '', record[3]
if not status or status == 'finished' or status == 'failed' or status == 'canceled' or status == 'stopped' then
  return status or 'finished'
end
if status == 'started' and redis.call('ZSCORE', 'liquid_background:leases', id) then
  redis.call('HSET', key, 'lb_cancel', 1)
  return 'ok'
end
if status == 'queued' then redis.call('LREM', 'rq:queue:' .. queue, 1, id) end
if status == 'scheduled' then redis.call('ZREM', 'rq:scheduled:' .. queue, id) end
if status == 'deferred' and record[8] then
  redis.call('LREM', parked_in(record[8], queue), 1, id)
  redis.call('ZREM', 'rq:deferred:' .. queue, id)
  unpark(record[8])
end
if token then
  release(key, id, queue, token, '', false)
elseif record[8] then
  leave_group(record[8], id)
end
close_cancelled(key, id, queue, number(record[5], 2592000))
local entry = {unpack(ARGV, 3)}
entry[5] = record[7] and 0 or number(record[4], 0)
entry[6], entry[7], entry[11] = #waits_of(record[6]) + 1, 'CANCELLED', 1
log(ARGV[2], entry)
return 'ok'
