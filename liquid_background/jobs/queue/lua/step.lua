-- include: time keep log start
-- Finish one job and start the next, each fenced by its lease's token; sent again, it changes nothing more.
-- ARGV: worker, lease in ms, log limit, then the start: id or '', token, the number of higher queues, or -1 to ask
-- neither whether these have work nor whether it is paused, those queues;
-- then the finish: '' or the values of an END, the jobs, the entries.
-- Kinds: success, failed, crashed (its process died), cancelled, back (taken back, the attempt does not count), unbegun
-- (its process died between the start and the body; the third time it counts as crashed).
-- Returns {how the finish went, attempt of the start, or 0 when it may not run, or -1 when it is paused, 1 if higher work
-- waits, and, if there was one, what the store said to a write that is secondary}. Of an attempt that failed two more:
-- that word or '', and such as 'FAILED 2 1': the log's status, the attempt, and 1 when the job has failed with it, which a
-- call sent again says again.
-- A job whose start never arrived, or was refused, is still queued when its end comes: its body ran, so it counts. What is
-- paused stays claimed, for the worker to give back.
-- Nearly every call finishes a job that succeeded and made none, so what other ends need is defined only when one comes:
-- each function costs the store time in each call.
local worker, lease, limit = ARGV[1], tonumber(ARGV[2]), ARGV[3]

-- Close a job as finished: `must` runs what has to be written, `run` what is secondary. An empty token fences as well as
-- none, and is written with the rest. Its first write is one that a full store takes.
local function succeed(job, must, run)
  local id, key, ttl = job.id, job.key, job.result_ttl
  local results, value = 'rq:results:' .. id, job.value
  local is_kept = value ~= '' and value ~= NOT_KEPT
  must('ZREM', LEASES, id)
  must('HSET', key, 'status', 'finished', 'ended_at', iso(), 'lb_final', value == NOT_KEPT and NOT_KEPT_FINAL or 1,
    'lb_token', '')
  if job.signature then
    -- include: signature
    spend(key, job.signature)
  end
  run('EXPIRE', key, ttl)
  run('ZADD', FINISHED_IN .. job.queue, now + ttl, id)
  if not is_kept then
    if redis.call('EXISTS', results) == 0 then return end
    value = value == '' and BLANK or NOTHING  -- the result of a run before is none of this one's
  end
  run('XADD', results, 'MAXLEN', 10, '*', 'type', 1, 'worker_name', worker,
    'return_value', #value <= LARGEST_VALUE and value or CUT_VALUE, 'execution_id', job.token)
  run('EXPIRE', results, ttl)
end

-- Likewise, whatever is planted in its way: written again, it changes nothing more. What fails leaves the job leased.
local function succeed_carefully(job)
  on('ZREM', LEASES, job.id)  -- raises as it is what a store says that takes no writes
  local done, why = pcall(succeed, job, on, try)
  if not done then
    redis.pcall('ZADD', LEASES, now_ms + lease, job.id)
    error(why, 0)
  end
end

-- Move a job on that has more to it, write what it made, and return the status and the finality of its log entry.
local function finish_otherwise(job, kind, jobs, at)
  -- include: rights enqueue group record
  local MOST_CRASHES = 3
  check_rights()
  redis.call('PERSIST', job.key)  -- first: what follows is taken by a full store, too

  local function failure_ttl()
    return ttl_of(redis.call('HGET', job.key, 'failure_ttl'))
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
    local found = cause_in(job.cause, job.template, job.line, job.message)
    fail(job.key, job.id, job.queue, job.token, worker, job.message, job.value, failure_ttl(), found)
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
    if job.error then redis.call('HDEL', job.key, 'lb_error') end
    enqueue_all(ARGV, at, jobs, limit, known_ids(ARGV, at, jobs))
    succeed_carefully(job)
    return 'SUCCESS', 1
  end

  function ends.failed()
    redis.call('HDEL', job.key, 'lb_unbegun')
    if not job.retry or job.attempt >= job.most then return failed('FAILED') end
    again(waits_of(redis.call('HGET', job.key, 'retry_intervals'))[job.attempt] or 0, false)
    return 'FAILED', 0
  end

  function ends.crashed()
    local crashes = whole(redis.call('HGET', job.key, 'lb_crashes'), 0) + 1
    if crashes >= MOST_CRASHES or job.attempt >= job.most then return failed('LOST') end
    redis.call('HSET', job.key, 'lb_crashes', crashes)
    redis.call('HDEL', job.key, 'lb_unbegun')
    again(0, true)
    return 'LOST', 0
  end

  function ends.back()
    job.counted = math.max(0, job.attempt - 1)
    redis.call('HSET', job.key, 'lb_attempt', job.counted)
    again(0, true)
    return 'LOST', 0
  end

  function ends.unbegun()
    local times = whole(redis.call('HGET', job.key, 'lb_unbegun'), 0) + 1
    if times >= MOST_CRASHES then return ends.crashed() end
    redis.call('HSET', job.key, 'lb_unbegun', times)
    return ends.back()
  end

  function ends.unstarted()
    -- Claimed only, by a child that died: nothing counts.
    let_go()
    put_back(job.id, job.queue)
  end

  if kind == 'cancelled' or (job.cancel and kind ~= 'success' and kind ~= 'unstarted') then return cancelled() end
  return ends[kind]()
end

local failure  -- what is said of an attempt that failed

-- Whether a job that has failed did so by the end that comes again now.
local function has_failed_by(id, token)
  local last = redis.pcall('XREVRANGE', 'rq:results:' .. id, '+', '-', 'COUNT', 1)
  local values = last and not last.err and last[1] and last[1][2] or {}
  for i = 1, #values, 2 do
    if values[i] == 'execution_id' then return values[i + 1] == token end
  end
  return false
end

local function finish(at)
  -- unpack: END from ARGV at at
  local key = 'rq:job:' .. id
  -- fetch: status lb_token origin lb_attempt result_ttl lb_beaten lb_cancel lb_group lb_final lb_sig lb_error from key
  if not record.err and status == 'failed' and has_failed_by(id, token) then
    failure = (kind == 'failed' and 'FAILED ' or 'LOST ') .. whole(lb_attempt, 1, MOST_ATTEMPTS) .. ' 1'
  end
  if record.err or lb_token ~= token or (status ~= 'started' and status ~= 'queued') then return 'fenced' end
  local job = {
    id = id, key = key, token = token, value = value, message = message, retry = retry == '1', most = tonumber(most),
    queue = queue_of(origin), attempt = whole(lb_attempt, 1, MOST_ATTEMPTS),
    result_ttl = math.max(1, whole(result_ttl, 500, LONGEST_TTL)),
    beaten = lb_beaten, cancel = lb_cancel, group = lb_group, signature = lb_sig,
    cause = cause, template = template, line = line,
    error = lb_error,  -- of an attempt before, whether that one counts or not
  }
  if status == 'queued' then
    if kind == 'back' or kind == 'unbegun' then
      finish_otherwise(job, 'unstarted')
      return 'back'
    end
    job.attempt = begin(key, id, whole(lb_attempt, 0, MOST_ATTEMPTS), lb_final, worker, lease, true)
  end
  local said, final = 'SUCCESS', 1
  local plain = kind == 'success' and jobs == '0' and not (job.error or job.beaten or job.cancel or job.group)
  jobs, at = tonumber(jobs), at + END_WIDTH
  local quick = false
  if plain then
    quick = pcall(succeed, job, redis.call, redis.call)
    if not quick then succeed_carefully(job) end
  else
    said, final = finish_otherwise(job, kind, jobs, at)
    if said == 'FAILED' or (said == 'LOST' and final == 1) then failure = said .. ' ' .. job.attempt .. ' ' .. final end
  end
  if entries ~= '0' then log_lines(limit, ARGV, at + jobs * JOB_WIDTH, tonumber(entries)) end
  if #message > SHORT then
    -- include: said
    message = said_of(message)
  end
  local entry = {
    job_id = id, source_name = source_name, template = template, line = line, attempt = job.attempt,
    max_attempts = most, status = said, duration = duration, message = message, final = final,
  }
  if not (quick and pcall(write_entry, redis.call, limit, entry)) then log(limit, entry) end
  return 'done'
end

local higher_queues = tonumber(ARGV[6])

local function start(id, token, is_first_write)
  local key = 'rq:job:' .. id
  -- fetch: status lb_token lb_attempt lb_final from key
  if record.err or lb_token ~= token then return 0 end
  local attempt = whole(lb_attempt, 0, MOST_ATTEMPTS)
  if status == 'started' then return attempt end
  if status ~= 'queued' then return 0 end
  if higher_queues >= 0 and redis.pcall('EXISTS', PAUSES, 'rq:suspended') ~= 0 then
    -- include: set_aside pauses
    local paused = pauses()
    if paused and paused:has_paused(key) then return -1 end
  end
  return begin(key, id, attempt, lb_final, worker, lease, is_first_write)
end

local how, end_at = '', 7 + math.max(0, higher_queues)
if ARGV[end_at] ~= '' then how = finish(end_at) end
local attempt, higher = 0, 0
if ARGV[4] ~= '' then
  attempt = start(ARGV[4], ARGV[5], how == '' or how == 'fenced')
  for i = 7, end_at - 1 do
    if on('LLEN', QUEUE .. ARGV[i]) > 0 and not on('HGET', PAUSES, 'queue:' .. ARGV[i]) then higher = 1 end
  end
end
if failure then return {how, attempt, higher, problem or '', failure} end
return {how, attempt, higher, problem}
