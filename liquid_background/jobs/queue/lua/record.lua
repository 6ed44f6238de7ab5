-- include: signature cause
-- Moves that several scripts make on one job's record. Each caller has checked the lease's token before.

local function ttl_of(value)
  return math.max(1, whole(value, FAILURE_TTL, LONGEST_TTL))
end

-- End a claim or an attempt: drop the lease, the slot, and what RQ's tools see of an attempt from its first beat on.
local function release(key, id, queue, token, worker, beaten)
  local group = redis.call('HGET', key, 'lb_group')
  on('ZREM', LEASES, id)
  if beaten then
    try('ZREM', WIP .. queue, id .. ':' .. token)
    try('DEL', 'rq:execution:' .. id .. ':' .. token, 'rq:executions:' .. id)
    try('SREM', 'rq:worker:' .. worker .. ':executions', id .. ':' .. token)
  end
  redis.call('HDEL', key, 'lb_token', 'lb_beaten', 'lb_cancel')
  if group then leave_group(group, id) end
end

-- Put a job (back) into its queue, at the front or the back, or among the delayed ones.
local function requeue(key, id, queue, wait, front)
  if wait > 0 then
    redis.call('HSET', key, 'status', 'scheduled', 'lb_waits', iso())
    on('ZADD', SCHEDULED .. queue, now + wait, id)
    -- include: came
    try('ZADD', DELAYED .. queue, came_at(key), id)
  else
    redis.call('HSET', key, 'status', 'queued', 'enqueued_at', iso(), 'lb_waits', iso())
    if front then put_in_front(key, id, queue) else on('RPUSH', QUEUE .. queue, id) end
  end
  wake(queue, 1)
end

-- Put a job back into its queue that was claimed and did not start: it waits since when it did.
local function put_back(id, queue)
  put_in_front('rq:job:' .. id, id, queue)
  wake(queue, 1)
end

-- Mark the run as over, so that the next claim starts a new one, and let the record expire.
local function close(key, id, queue, status, score, ttl)
  redis.call('HSET', key, 'status', status, 'ended_at', iso(), 'lb_final', 1)
  spend(key, redis.call('HGET', key, 'lb_sig'))
  try('ZADD', 'rq:' .. status .. ':' .. SITE .. queue, score, id)
  try('EXPIRE', key, ttl)
end

-- Close a job as failed, with a result that RQ reads (`exc` is its exc_string, already encoded), and file it under its
-- cause.
local function fail(key, id, queue, token, worker, message, exc, ttl, cause)
  -- include: filing
  redis.call('HSET', key, 'lb_error', message)
  close(key, id, queue, 'failed', now + ttl, ttl)
  try('XADD', 'rq:results:' .. id, 'MAXLEN', '10', '*', 'type', '2', 'worker_name', worker,
    'exc_string', exc, 'execution_id', token)
  try('EXPIRE', 'rq:results:' .. id, ttl)
  file_failed(id, cause)
end

-- Close a job as cancelled.
local function close_cancelled(key, id, queue, ttl)
  close(key, id, queue, 'canceled', now, ttl)
end

-- The waits in seconds before attempts 2, 3, ... as the job carries them; one less than its attempts.
local function waits_of(json)
  local read, found = pcall(cjson.decode, json or '[]')
  local waits = {}
  for i = 1, read and type(found) == 'table' and math.min(#found, MOST_WAITS) or 0 do
    local wait = tonumber(found[i]) or 0
    waits[i] = wait > 0 and math.min(wait, LONGEST_WAIT) or 0  -- a wait that is not a number is none
  end
  return waits
end

-- Where a job's body stands, for the log, when no worker is left to tell. It is what a payload begins with; the rest is an
-- author's, and would take some milliseconds. No text in JSON holds what is looked for: quotes are escaped.
local LONGEST_HEAD = 16384  -- bytes up to the line: a template's name takes up to 12 a character

local function place_of(data)
  local beginning = string.sub(data or '', 1, LONGEST_HEAD)
  local head = string.match(beginning, '^(.-,"line":%d+)')
  local read, job = pcall(cjson.decode, head and head .. '}]]' or beginning)
  local payload = read and type(job) == 'table' and type(job[3]) == 'table' and job[3][1]
  if type(payload) ~= 'table' then return '', '0' end
  local template = type(payload.template) == 'string' and string.sub(payload.template, 1, 1000) or ''
  local line = type(payload.line) == 'number' and payload.line or 0
  return template, line > 0 and line < 1e9 and string.format('%d', line) or '0'
end
