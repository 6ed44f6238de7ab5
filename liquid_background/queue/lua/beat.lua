-- include: time
-- Say that workers live, and extend the leases of the jobs that they run.
-- ARGV: lease in ms, seconds that a worker's key lives unrenewed; then 8 values a worker: name, state, jobs completed and
-- failed and seconds worked since the last beat, id of the running job or '', its token, its queue.
-- Returns for each worker: ok, cancel (someone wants its job ended), fenced (the lease is not its any more),
-- or unknown (its registration is gone, as after a restart of a store that keeps nothing).
local lease, ttl = tonumber(ARGV[1]), ARGV[2]
local stamp, far = iso(), seconds + 86400

local function extend(worker, id, token, queue)
  local key = 'rq:job:' .. id
  local record = redis.call('HMGET', key, 'status', 'lb_token', 'lb_beaten', 'lb_cancel')
  if record[2] ~= token then return 'fenced' end
  if record[1] ~= 'started' then return 'ok' end  -- its start is under way
  local execution = 'rq:execution:' .. id .. ':' .. token
  redis.call('ZADD', 'liquid_background:leases', now_ms + lease, id)
  redis.call('HSET', key, 'last_heartbeat', stamp, 'lb_beaten', 1)
  -- RQ's tools see what a worker runs by these; a job that ends before its first beat goes without.
  redis.call('ZADD', 'rq:wip:' .. queue, far, id .. ':' .. token)
  redis.call('HSETNX', execution, 'created_at', string.format('%.6f', now))
  redis.call('HSET', execution, 'id', token, 'job_id', id, 'last_heartbeat', string.format('%.6f', now),
    'worker_name', worker)
  redis.call('ZADD', 'rq:executions:' .. id, far, token)
  redis.call('SADD', 'rq:worker:' .. worker .. ':executions', id .. ':' .. token)
  redis.call('EXPIRE', execution, 86400)
  redis.call('EXPIRE', 'rq:executions:' .. id, 86400)
  redis.call('EXPIRE', 'rq:worker:' .. worker .. ':executions', 86400)
  return record[4] and 'cancel' or 'ok'
end

local answers = {}
for i = 3, #ARGV, 8 do
  local name, state, completed, failed, worked, id, token, queue = unpack(ARGV, i, i + 7)
  local key = 'rq:worker:' .. name
  local answer = 'unknown'
  if redis.call('EXISTS', key) == 1 then
    answer = 'ok'
    redis.call('HSET', key, 'last_heartbeat', stamp, 'state', state)
    if completed ~= '0' then redis.call('HINCRBY', key, 'successful_job_count', completed) end
    if failed ~= '0' then redis.call('HINCRBY', key, 'failed_job_count', failed) end
    if worked ~= '0' then redis.call('HINCRBYFLOAT', key, 'total_working_time', worked) end
    redis.call('EXPIRE', key, ttl)
  end
  if id ~= '' then
    local extended = extend(name, id, token, queue)
    if answer == 'ok' or extended ~= 'ok' then answer = extended end
  end
  answers[#answers + 1] = answer
end
return answers
