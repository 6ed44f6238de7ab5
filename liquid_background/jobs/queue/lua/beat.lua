-- include: time keep rights start
-- Say that workers live, and extend the leases of the jobs that they run. A full store takes this, too.
-- ARGV: lease in ms, seconds that a worker's key lives unrenewed; then the values of a BEAT for each worker.
-- Returns for each worker: ok, cancel (someone wants its job ended), fenced (the lease is not its any more),
-- or unknown (its registration is gone, as after a restart of a store that keeps nothing).
local lease, ttl = tonumber(ARGV[1]), ARGV[2]
local stamp, far = iso(), seconds + 86400

local function extend(worker, id, token, queue)
  local key = 'rq:job:' .. id
  -- fetch: status lb_token lb_cancel lb_attempt lb_final from key
  if record.err or lb_token ~= token then return 'fenced' end
  -- Its start is under way, or was refused; as the body runs, it counts.
  if status == 'queued' then begin(key, id, whole(lb_attempt, 0, MOST_ATTEMPTS), lb_final, worker, false) end
  if status ~= 'started' and status ~= 'queued' then return 'ok' end
  local execution, running = 'rq:execution:' .. id .. ':' .. token, 'rq:worker:' .. worker .. ':executions'
  on('ZADD', LEASES, now_ms + lease, id)
  redis.call('HSET', key, 'last_heartbeat', stamp, 'lb_beaten', 1)
  -- RQ's tools see what a worker runs by these; a job that ends before its first beat goes without.
  try('ZADD', WIP .. queue, far, id .. ':' .. token)
  try('HSETNX', execution, 'created_at', string.format('%.6f', now))
  try('HSET', execution, 'id', token, 'job_id', id, 'last_heartbeat', string.format('%.6f', now),
    'worker_name', worker)
  try('ZADD', 'rq:executions:' .. id, far, token)
  try('SADD', running, id .. ':' .. token)
  try('EXPIRE', execution, 86400)
  try('EXPIRE', 'rq:executions:' .. id, 86400)
  try('EXPIRE', running, 86400)
  return lb_cancel and 'cancel' or 'ok'
end

-- Add to a count of a worker's registration; one that is not a number begins anew.
local function add(command, key, field, value)
  if value == '0' then return end
  if type(redis.pcall(command, key, field, value)) == 'table' then redis.call('HSET', key, field, value) end
end

check_rights()
local answers = {}
for i = 3, #ARGV, BEAT_WIDTH do
  -- unpack: BEAT from ARGV at i
  local key = 'rq:worker:' .. name
  local answer = 'unknown'
  redis.call('EXPIRE', key, ttl)  -- first: what follows in this script is taken by a full store, too
  if redis.call('TYPE', key).ok == 'hash' then
    answer = 'ok'
    redis.call('HSET', key, 'last_heartbeat', stamp, 'state', state)
    if memory ~= '0' then redis.call('HSET', key, 'lb_memory', memory) end
    add('HINCRBY', key, 'successful_job_count', completed)
    add('HINCRBY', key, 'failed_job_count', failed)
    add('HINCRBYFLOAT', key, 'total_working_time', worked)
  end
  if id ~= '' then
    local extended = extend(name, id, token, queue)
    if answer == 'ok' or extended ~= 'ok' then answer = extended end
  end
  answers[#answers + 1] = answer
end
return answers
