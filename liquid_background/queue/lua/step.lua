-- include: time log
-- Finish one job and start the next, each fenced by its lease's token; sent again, it changes nothing more.
-- ARGV: worker, lease in ms, log limit, then the start: id or '', token, the number of higher queues, those queues;
-- then the finish: id or '', token, kind, value, message, 1 if it may be retried, duration in ms, source name,
-- template, line, most attempts, number of jobs, number of entries, the jobs, the entries.
-- Kinds: success, failed, crashed (its process died), cancelled, back (taken back, the attempt does not count).
-- Returns {how the finish went, attempt of the start or 0 when it may not run, 1 if higher work waits}.
-- Nearly every call finishes a job that succeeded and made none, so what other ends need is defined only when one comes:
-- each function costs the store time in each call.
local worker, lease, limit = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local LEASES = 'liquid_background:leases'

-- Close a job as finished. An empty token fences as well as none, and is written with the rest.
local function succeed(job)
  local id, key, ttl = job.id, job.key, job.result_ttl
  local results = 'rq:results:' .. id
  redis.call('ZREM', LEASES, id)
  redis.call('HSET', key, 'status', 'finished', 'ended_at', iso(), 'lb_final', 1, 'lb_token', '')
  if job.signature then
    -- include: signature
    spend(key, job.signature)
  end
  redis.call('EXPIRE', key, ttl)
  redis.call('ZADD', 'rq:finished:' .. job.queue, seconds + ttl, id)
  redis.call('XADD', results, 'MAXLEN', 10, '*', 'type', 1, 'worker_name', worker,
    'return_value', job.value, 'execution_id', job.token)
  redis.call('EXPIRE', results, ttl)
  return 'SUCCESS', 1
end

-- Move a job on that has more to it, write what it made, and return the status and the finality of its log entry.
local function finish_otherwise(job, kind, jobs, at)
  -- include: enqueue group record
  local MOST_CRASHES = 3

  local function failure_ttl()
    return number(redis.call('HGET', job.key, 'failure_ttl'), 2592000)
  end

  local function let_go()
    release(job.key, job.id, job.queue, job.token, worker, job.beaten)
  end

  local function again(wait, front)
    let_go()
    redis.call('HSET', job.key, 'lb_error', job.message, 'retries_left', math.max(0, job.most - 1 - (job.counted or job.attempt)))
    requeue(job.key, job.id, job.queue, wait, front)
  end

  local function failed(status)
    let_go()
    fail(job.key, job.id, job.queue, job.token, worker, job.message, job.value, failure_ttl())
    return status, 1
  end

  local function cancelled()
    let_go()
    close_cancelled(job.key, job.id, job.queue, failure_ttl())
    return 'CANCELLED', 1
  end

  local ends = {}

  function ends.success()
    let_go()
    if job.attempt > 1 then redis.call('HDEL', job.key, 'lb_error') end
    local status, final = succeed(job)
    enqueue_all(ARGV, at, jobs)
    return status, final
  end

  function ends.failed()
    if not job.retry or job.attempt >= job.most then return failed('FAILED') end
    again(number(waits_of(redis.call('HGET', job.key, 'retry_intervals'))[job.attempt], 0), false)
    return 'FAILED', 0
  end

  function ends.crashed()
    local crashes = number(redis.call('HGET', job.key, 'lb_crashes'), 0) + 1
    if crashes >= MOST_CRASHES or job.attempt >= job.most then return failed('LOST') end
    redis.call('HSET', job.key, 'lb_crashes', crashes)
    again(0, true)
    return 'LOST', 0
  end

  function ends.back()
    job.counted = job.attempt - 1
    redis.call('HSET', job.key, 'lb_attempt', job.counted)
    again(0, true)
    return 'LOST', 0
  end

  function ends.unstarted()
    -- The start never arrived, so nothing counts; only a supervisor finishes such a job, for a child that died.
    let_go()
    requeue(job.key, job.id, job.queue, 0, true)
  end

  if kind == 'cancelled' or (job.cancel and kind ~= 'success' and kind ~= 'unstarted') then return cancelled() end
  return ends[kind]()
end

local function finish(at)
  local id, token, kind, value, message, retry, duration, source_name, template, line, most, jobs, entries =
    unpack(ARGV, at, at + 12)
  local key = 'rq:job:' .. id
  local record = redis.call('HMGET', key, 'status', 'lb_token', 'origin', 'lb_attempt', 'result_ttl', 'lb_beaten',
    'lb_cancel', 'lb_group', 'lb_sig')
  if record[2] ~= token or (record[1] ~= 'started' and record[1] ~= 'queued') then return 'fenced' end
  local job = {
    id = id, key = key, token = token, value = value, message = message, retry = retry == '1', most = tonumber(most),
    queue = record[3], attempt = tonumber(record[4]) or 1, result_ttl = tonumber(record[5]) or 500,
    beaten = record[6], cancel = record[7], group = record[8], signature = record[9],
  }
  if record[1] == 'queued' then
    finish_otherwise(job, 'unstarted')
    return 'back'
  end
  local status, final
  local plain = kind == 'success' and jobs == '0' and job.attempt == 1 and not (job.beaten or job.cancel or job.group)
  jobs, at = tonumber(jobs), at + 13
  if plain then
    status, final = succeed(job)
  else
    status, final = finish_otherwise(job, kind, jobs, at)
  end
  log_all(limit, ARGV, at + jobs * 14, tonumber(entries))
  log(limit, {id, source_name, template, line, job.attempt, most, status, duration, message, 'job', final})
  return 'done'
end

-- Begin a new run: what the last one left does not count.
local function forget(key)
  local read, waits = pcall(cjson.decode, redis.call('HGET', key, 'retry_intervals') or '[]')
  redis.call('PERSIST', key)
  redis.call('HDEL', key, 'lb_final', 'lb_crashes', 'lb_losses', 'lb_error', 'ended_at')
  redis.call('HSET', key, 'retries_left', read and type(waits) == 'table' and #waits or 0)
end

local function start(id, token)
  local key = 'rq:job:' .. id
  local record = redis.call('HMGET', key, 'status', 'lb_token', 'lb_attempt', 'lb_final')
  if record[2] ~= token then return 0 end
  local attempt = tonumber(record[3]) or 0
  if record[1] == 'started' then return attempt end
  if record[1] ~= 'queued' then return 0 end
  if record[4] then
    forget(key)
    attempt = 0
  end
  redis.call('HSET', key, 'status', 'started', 'started_at', iso(), 'worker_name', worker, 'lb_attempt', attempt + 1)
  redis.call('ZADD', LEASES, now_ms + lease, id)
  return attempt + 1
end

local higher_queues = tonumber(ARGV[6])
local how = ''
if ARGV[7 + higher_queues] ~= '' then how = finish(7 + higher_queues) end
local attempt, higher = 0, 0
if ARGV[4] ~= '' then
  attempt = start(ARGV[4], ARGV[5])
  for i = 7, 6 + higher_queues do
    if redis.call('LLEN', 'rq:queue:' .. ARGV[i]) > 0 then higher = 1 end
  end
end
return {how, attempt, higher}
