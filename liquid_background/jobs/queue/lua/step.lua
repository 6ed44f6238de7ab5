-- include: time site whole
-- Finish one job and start the next, each fenced by its lease's token; sent again, it changes nothing more.
-- ARGV: worker, lease in ms, log limit, the minutes since 1970 by the worker's clock and how RQ writes that minute, then the
-- start: id or '', token, the time by this clock, in ms, after which its claim's lease is too short for it, the number of higher
-- queues, or -1 to ask neither whether these have work nor whether it is paused, those queues; then the finish: '', or '+' and the
-- values of a DONE, or those of an END, the jobs, the entries.
-- Kinds: success, failed, crashed (its process died), cancelled, back (taken back, the attempt does not count), unbegun
-- (its process died between the start and the body; the third time it counts as crashed).
-- Returns {how the finish went, attempt of the start, or 0 when it may not run, or -1 when it is paused, 1 if higher work
-- waits, and, if there was one, what the store said to a write that is secondary}; `done N` for {done, N, 0}, since a list takes
-- the store as long as a command. Of an attempt that failed two more: that word or '', and such as 'FAILED 2 1': the log's
-- status, the attempt, and 1 when the job has failed with it, which a call sent again says again.
-- A job whose start never arrived, or was refused, is still queued when its end comes: its body ran, so it counts. What is
-- paused stays claimed, for the worker to give back.
-- Nearly every call has a plain success and a start that nothing stands in the way of. They come first, with no more than
-- they need; what is otherwise is left to what follows. A function is made where it is needed: that takes a sixth of a command.
local worker, lease, limit, higher_queues = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[9])
local end_at = 10 + math.max(0, higher_queues)

-- The store spares the calendar while the worker's clock has the minute right.
local second = seconds - 60 * tonumber(ARGV[4])
if second >= 0 and second < 60 then written = ARGV[5] .. string.format('%02d.%06dZ', second, micros) end

-- Close a job as finished: `must` runs what has to be written, `run` what is secondary. An empty token fences as well as
-- none, is written with the rest, and takes the job off its claim's lease; callers drop one of its own. Its first write is one
-- that a full store takes.
local function succeed(must, run, id, key, token, queue, ttl, value, signature)
  local results, is_kept = 'rq:results:' .. id, value ~= '' and value ~= NOT_KEPT
  ttl = math.max(1, whole(ttl, 500, LONGEST_TTL))
  run('EXPIRE', key, ttl)
  must('HSET', key, 'status', 'finished', 'ended_at', iso(), 'lb_final', value == NOT_KEPT and NOT_KEPT_FINAL or '1',
    'lb_token', '')
  if signature then
    -- include: signature
    spend(key, signature)
  end
  run('ZADD', FINISHED_IN .. queue, now + ttl, id)
  if not is_kept then
    if redis.call('EXISTS', results) == 0 then return end
    value = value == '' and BLANK or NOTHING  -- the result of a run before is none of this one's
  end
  run('XADD', results, 'MAXLEN', '10', '*', 'type', '1', 'worker_name', worker,
    'return_value', #value <= LARGEST_VALUE and value or CUT_VALUE, 'execution_id', token)
  run('EXPIRE', results, ttl)
end

local how = ''
local succeeded, logged  -- whether the writes of a plain end went through; nil when it was left alone
if ARGV[end_at] == '+' then
  -- unpack: DONE from ARGV at end_at + 1
  local key = 'rq:job:' .. id
  -- fetch: status lb_token origin lb_attempt result_ttl lb_beaten lb_cancel lb_group lb_error lb_sig from key
  if not record.err and lb_token == token and status == 'started' and not (lb_beaten or lb_cancel or lb_group or lb_error) then
    local attempt = whole(lb_attempt, 1, MOST_ATTEMPTS)
    succeeded = pcall(succeed, redis.call, redis.call, id, key, token, queue_of(origin), result_ttl, value, lb_sig)
    logged = succeeded and pcall(redis.call, 'XADD', LOG, 'MAXLEN', '~', limit, '*', 'job_id', id, 'source_name', source_name,
      'template', template, 'line', line, 'attempt', attempt, 'max_attempts', most, 'status', 'SUCCESS', 'duration', duration,
      'message', '', 'type', 'job', 'final', '1')
    how = logged and 'done' or ''
  end
end
if how == 'done' then
  local id = ARGV[6]
  if id == '' then return 'done 0' end
  -- Whether what the start asks for is not there: pauses, and higher work.
  local is_calm = higher_queues < 0 or redis.pcall('EXISTS', PAUSES, 'rq:suspended') == 0
  for i = 10, end_at - 1 do is_calm = is_calm and redis.pcall('LLEN', QUEUE .. ARGV[i]) == 0 end
  local key = 'rq:job:' .. id
  -- fetch: status lb_token lb_attempt lb_final lb_group from key
  local is_plain = is_calm and now_ms <= tonumber(ARGV[8]) and not (record.err or lb_final or lb_group)
  if is_plain and lb_token == ARGV[7] and status == 'queued' then
    local attempt = whole(lb_attempt, 0, MOST_ATTEMPTS) + 1
    redis.call('HSET', key, 'status', 'started', 'started_at', iso(), 'worker_name', worker, 'lb_attempt', attempt)
    return 'done ' .. attempt
  end
end

-- include: keep log start

-- Give a job a lease of its own. With `lb_beaten` its end is no plain one, which would leave that lease behind.
local function lease_to(key, id)
  on('ZADD', LEASES, now_ms + lease, id)
  redis.call('HSET', key, 'lb_beaten', 1)
end

-- Likewise, whatever is planted in its way: written again, it changes nothing more. What fails leaves the job leased.
local function succeed_carefully(job)
  on('ZREM', LEASES, job.id)  -- raises as it is what a store says that takes no writes
  local done, why = pcall(succeed, on, try, job.id, job.key, job.token, job.queue, job.result_ttl, job.value, job.signature)
  if not done then
    redis.pcall('PERSIST', job.key)
    pcall(lease_to, job.key, job.id)
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

local function finish(list, at)
  -- unpack: END from list at at
  local key = 'rq:job:' .. id
  -- fetch: status lb_token origin lb_attempt result_ttl lb_beaten lb_cancel lb_group lb_final lb_sig lb_error from key
  if not record.err and status == 'failed' and has_failed_by(id, token) then
    failure = (kind == 'failed' and 'FAILED ' or 'LOST ') .. whole(lb_attempt, 1, MOST_ATTEMPTS) .. ' 1'
  end
  if succeeded == nil and (record.err or lb_token ~= token or (status ~= 'started' and status ~= 'queued')) then
    return 'fenced'
  end
  local job = {
    id = id, key = key, token = token, value = value, message = message, retry = retry == '1', most = tonumber(most),
    queue = queue_of(origin), attempt = whole(lb_attempt, 1, MOST_ATTEMPTS),
    result_ttl = result_ttl,
    beaten = lb_beaten, cancel = lb_cancel, group = lb_group, signature = lb_sig,
    cause = cause, template = template, line = line,
    error = lb_error,  -- of an attempt before, whether that one counts or not
  }
  if status == 'queued' then
    if kind == 'back' or kind == 'unbegun' then
      finish_otherwise(job, 'unstarted')
      return 'back'
    end
    job.attempt = begin(key, id, whole(lb_attempt, 0, MOST_ATTEMPTS), lb_final, worker, true)
  end
  local said, final = 'SUCCESS', 1
  local plain = kind == 'success' and jobs == '0' and not (job.error or job.beaten or job.cancel or job.group)
  jobs, at = tonumber(jobs), at + END_WIDTH
  if plain then
    if not (succeeded or (succeeded == nil and pcall(succeed, redis.call, redis.call, id, key, token, job.queue, result_ttl,
      value, lb_sig))) then succeed_carefully(job) end
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
  log(limit, entry)
  return 'done'
end

-- The values of a DONE as those of an END.
local function as_end()
  -- unpack: DONE from ARGV at end_at + 1
  return {id, token, 'success', value, '', '0', duration, source_name, template, line, most, '0', '0', ''}
end

local function start(id, token, until_ms, is_first_write)
  local key = 'rq:job:' .. id
  -- fetch: status lb_token lb_attempt lb_final lb_group from key
  if record.err or lb_token ~= token then return 0 end
  local attempt = whole(lb_attempt, 0, MOST_ATTEMPTS)
  if status == 'started' then return attempt end
  if status ~= 'queued' then return 0 end
  if higher_queues >= 0 and redis.pcall('EXISTS', PAUSES, 'rq:suspended') ~= 0 then
    -- include: set_aside pauses
    local paused = pauses()
    if paused and paused:has_paused(key) then return -1 end
  end
  attempt = begin(key, id, attempt, lb_final, worker, is_first_write)
  if lb_group then
    on('ZADD', LEASES, now_ms + lease, id)
  elseif now_ms > until_ms then
    lease_to(key, id)
  end
  return attempt
end

if how == '' and ARGV[end_at] == '+' then
  how = finish(as_end(), 1)
elseif how == '' and ARGV[end_at] ~= '' then
  how = finish(ARGV, end_at)
end
local attempt, higher = 0, 0
if ARGV[6] ~= '' then
  attempt = start(ARGV[6], ARGV[7], tonumber(ARGV[8]), how == '' or how == 'fenced')
  for i = 10, end_at - 1 do
    if on('LLEN', QUEUE .. ARGV[i]) > 0 and not on('HGET', PAUSES, 'queue:' .. ARGV[i]) then higher = 1 end
  end
end
if failure then return {how, attempt, higher, problem or '', failure} end
return {how, attempt, higher, problem}
