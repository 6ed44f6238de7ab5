-- include: time log enqueue group record
-- Finish one job and start the next, each fenced by its lease's token; sent again, it changes nothing more.
-- ARGV: worker, lease in ms, log limit, then the start: id or '', token, queue, the number of higher queues,
-- those queues; then the finish: id or '', token, kind, value, message, 1 if it may be retried, duration in ms,
-- source name, template, line, most attempts, number of jobs, number of entries, the jobs, the entries.
-- Kinds: success, failed, crashed (its process died), cancelled, back (taken back, the attempt does not count).
-- Returns {how the finish went, attempt of the start or 0 when it may not run, 1 if higher work waits}.
local MOST_CRASHES = 3
local worker, lease, limit = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local function again(job, wait, front)
  release(job.key, job.id, job.queue, job.token, worker, job.beaten)
  redis.call('HSET', job.key, 'lb_error', job.message, 'retries_left', math.max(0, job.most - 1 - (job.counted or job.attempt)))
  requeue(job.key, job.id, job.queue, wait, front)
end

local function failed(job, status)
  release(job.key, job.id, job.queue, job.token, worker, job.beaten)
  fail(job.key, job.id, job.queue, job.token, worker, job.message, job.value, job.failure_ttl)
  return status, 1
end

local function cancelled(job)
  release(job.key, job.id, job.queue, job.token, worker, job.beaten)
  close_cancelled(job.key, job.id, job.queue, job.failure_ttl)
  return 'CANCELLED', 1
end

-- Each of these moves the job on and returns the status and the finality of its log entry.
local ends = {}

function ends.success(job)
  release(job.key, job.id, job.queue, job.token, worker, job.beaten)
  local ttl = job.result_ttl
  close(job.key, job.id, job.queue, 'finished', 'finished', math.floor(now) + ttl, ttl)
  if job.attempt > 1 then redis.call('HDEL', job.key, 'lb_error') end
  redis.call('XADD', 'rq:results:' .. job.id, 'MAXLEN', '10', '*', 'type', '1', 'worker_name', worker,
    'return_value', job.value, 'execution_id', job.token)
  redis.call('EXPIRE', 'rq:results:' .. job.id, ttl)
  return 'SUCCESS', 1
end

function ends.failed(job)
  if job.cancel then return cancelled(job) end
  if not job.retry or job.attempt >= job.most then return failed(job, 'FAILED') end
  again(job, number(waits_of(job.waits)[job.attempt], 0), false)
  return 'FAILED', 0
end

function ends.crashed(job)
  if job.cancel then return cancelled(job) end
  local crashes = number(redis.call('HGET', job.key, 'lb_crashes'), 0) + 1
  if crashes >= MOST_CRASHES or job.attempt >= job.most then return failed(job, 'LOST') end
  redis.call('HSET', job.key, 'lb_crashes', crashes)
  again(job, 0, true)
  return 'LOST', 0
end

function ends.cancelled(job)
  return cancelled(job)
end

function ends.back(job)
  if job.cancel then return cancelled(job) end
  job.counted = job.attempt - 1
  redis.call('HSET', job.key, 'lb_attempt', job.counted)
  again(job, 0, true)
  return 'LOST', 0
end

local function finish(at)
  local id, token, kind, value, message, retry, duration, source_name, template, line, most, jobs, entries =
    unpack(ARGV, at, at + 12)
  local key = 'rq:job:' .. id
  local record = redis.call('HMGET', key, 'status', 'lb_token', 'origin', 'lb_attempt', 'lb_beaten', 'lb_cancel',
    'result_ttl', 'failure_ttl', 'retry_intervals')
  if record[2] ~= token or (record[1] ~= 'started' and record[1] ~= 'queued') then return 'fenced' end
  local job = {
    id = id, key = key, token = token, value = value, message = message, retry = retry == '1', most = tonumber(most),
    queue = record[3], attempt = number(record[4], 1), beaten = record[5], cancel = record[6],
    result_ttl = number(record[7], 500), failure_ttl = number(record[8], 2592000), waits = record[9],
  }
  if record[1] == 'queued' then
    -- The start never arrived, so nothing counts; only a supervisor finishes such a job, for a child that died.
    release(key, id, job.queue, token, worker, false)
    requeue(key, id, job.queue, 0, true)
    return 'back'
  end
  local status, final = ends[kind](job)
  at = at + 13
  if kind == 'success' then
    at = enqueue_all(ARGV, at, tonumber(jobs))
  else
    at = at + tonumber(jobs) * JOB_WIDTH
  end
  log_all(limit, ARGV, at, tonumber(entries))
  log(limit, {id, source_name, template, line, job.attempt, most, status, duration, message, 'job', final})
  return 'done'
end

local function start(id, token, queue)
  local key = 'rq:job:' .. id
  local record = redis.call('HMGET', key, 'status', 'lb_token', 'lb_attempt', 'lb_final', 'retry_intervals')
  local attempt = number(record[3], 0)
  if record[2] ~= token then return 0 end
  if record[1] == 'started' then return attempt end
  if record[1] ~= 'queued' then return 0 end
  if record[4] then
    attempt = 0
    redis.call('PERSIST', key)
    redis.call('HDEL', key, 'lb_final', 'lb_crashes', 'lb_losses', 'lb_error', 'ended_at')
    redis.call('HSET', key, 'retries_left', #waits_of(record[5]))
  end
  redis.call('HSET', key, 'status', 'started', 'started_at', iso(), 'worker_name', worker, 'lb_attempt', attempt + 1)
  redis.call('ZADD', 'liquid_background:leases', now_ms + lease, id)
  redis.call('ZADD', 'rq:wip:' .. queue, math.floor(now) + 86400, id .. ':' .. token)
  return attempt + 1
end

local higher_queues = tonumber(ARGV[7])
local how = ''
if ARGV[8 + higher_queues] ~= '' then how = finish(8 + higher_queues) end
local attempt, higher = 0, 0
if ARGV[4] ~= '' then
  attempt = start(ARGV[4], ARGV[5], ARGV[6])
  for i = 8, 7 + higher_queues do
    if redis.call('LLEN', 'rq:queue:' .. ARGV[i]) > 0 then higher = 1 end
  end
end
return {how, attempt, higher}
