-- include: time keep rights log enqueue group record bury due operation batch drop_batches
-- Promote delayed jobs that are due and reap leases that ran out. Any worker calls it; no state is kept between calls but
-- the time of the last one. A worker whose own last tick is long ago has lived through a stall, or a time without writes,
-- in which none could extend its leases: what runs out by one LEASE from then on is reaped only after that, once.
-- ARGV: log limit, most jobs of each kind, 1 to drop expired ids and slots too, exc_string of GIVEN_UP,
-- lease in ms, this clock in ms at the caller's last tick or 0, the queues.
-- Returns {promoted, reaped, ms until the next delayed job is due or -1, this clock in ms, and, if there was one, what the
-- store said to a write that is secondary}; where jobs failed here or an operation is
-- due three more: that word or '', the last log entries of those jobs, and 1 for the operation.
local limit, most, trim, exc = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local lease, own_last = tonumber(ARGV[5]), tonumber(ARGV[6])
local FIRST_QUEUE = 7
local NEWCOMER = 500  -- ms; time for those who live to be heard, where only one who has just come could tell of a gap
local CANCELLED_AT_ONCE = 20  -- ids of cancelled jobs in each of two looks at a queue's
local MOST_TENDED = 100  -- held jobs of a queue that are looked at, and names
local GRACE = 0.5  -- added to the end of a lease that has had its grace: leases end at whole milliseconds otherwise

-- Note this tick, and return until when leases get grace.
local function note_tick()
  local noted = redis.pcall('GET', TICKED)
  local last, graceful_until = string.match(type(noted) == 'string' and noted or '', '^(%d+) (%d+)$')
  last, graceful_until = whole(last, 0), math.min(whole(graceful_until, 0), now_ms + LONGEST_GRACE)
  if own_last > 0 and math.abs(now_ms - own_last) > LONGEST_GAP then
    graceful_until = math.max(graceful_until, now_ms + lease)
  elseif math.abs(now_ms - last) > LONGEST_GAP then
    graceful_until = math.max(graceful_until, now_ms + NEWCOMER)
  end
  redis.call('SET', TICKED, string.format('%d %d', now_ms, graceful_until))
  return graceful_until
end

local function promote(queue)
  local from = SCHEDULED .. queue
  local due = on('ZRANGEBYSCORE', from, '-inf', string.format('%.6f', now), 'LIMIT', 0, most)
  local ready, stamp = 0, iso()
  for _, id in ipairs(due) do
    local key = 'rq:job:' .. id
    -- fetch: status origin from key
    on('ZREM', from, id)
    try('ZREM', DELAYED .. queue, id)
    if record.err then
      log_end(limit, id, 'REFUSED', NO_RECORD)
    elseif not status then
      log_end(limit, id, 'LOST', GONE)
    elseif is_of_another_site(origin) then
      log_elsewhere(limit, id, origin)
    elseif status == 'scheduled' and (own_queue(origin) or queue) == queue then
      redis.call('HSET', key, 'status', 'queued', 'enqueued_at', stamp)
      on('RPUSH', QUEUE .. queue, id)
      ready = ready + 1
    end  -- else it strayed, or was moved on by another tool
  end
  if ready > 0 then wake(queue, ready) end
  return #due
end

-- See to jobs that are held, by their records, and that no set of held jobs has, or one that HELD does not name; and drop
-- from these sets what is held no more, as when other tools have moved it on.
local function tend_held(queue)
  -- include: held
  for _, id in ipairs(on('ZRANGE', DEFERRED .. queue, 0, MOST_TENDED - 1)) do
    local key = 'rq:job:' .. id
    -- fetch: status lb_held origin from key
    if status == 'deferred' and lb_held and not is_of_another_site(origin) then
      local held = held_in(lb_held, queue)
      if not on('ZSCORE', held, id) then on('ZADD', held, place_in(held), id) end
      on('SADD', HELD, lb_held)
    end
  end
  for _, name in ipairs(on('SRANDMEMBER', HELD, MOST_TENDED)) do
    for _, id in ipairs(on('ZRANDMEMBER', held_in(name, queue), 10)) do
      -- fetch: status lb_held from 'rq:job:' .. id
      if not record.err and (status ~= 'deferred' or lb_held ~= name) then redis.call('ZREM', held_in(name, queue), id) end
    end
  end
end

local function lose(id, key, queue, token)
  -- fetch: lb_attempt worker_name lb_beaten lb_cancel retry_intervals data failure_ttl lb_losses description from key
  local worker = worker_name or ''
  local attempt, attempts = whole(lb_attempt, 1, MOST_ATTEMPTS), #waits_of(retry_intervals) + 1
  local template, line = place_of(data)
  local message, status, final = 'worker ' .. string.sub(worker, 1, LONGEST_SHOWN) .. ' died or lost the store', 'LOST', 0
  local losses = whole(lb_losses, 0) + 1
  -- include: count
  count_lost(string.sub(description or '', 1, LONGEST_NAME) .. '\n' .. queue)
  try('HINCRBY', COUNTS .. 'moves', 'reaped', 1)
  release(key, id, queue, token, worker, lb_beaten)
  if lb_cancel then
    close_cancelled(key, id, queue, ttl_of(failure_ttl))
    status, final = 'CANCELLED', 1
  elseif losses >= MOST_LOSSES then
    message, final = GIVEN_UP, 1
    local cause = cause_of(template, line, status, GIVEN_UP_SHARED)
    cause.error = message
    fail(key, id, queue, token, worker, message, exc, ttl_of(failure_ttl), cause)
  else
    -- Better twice than never: the job runs again even when this was its last attempt, which then counts once.
    redis.call('HSET', key, 'lb_losses', losses, 'lb_error', message, 'lb_attempt', math.min(attempt, attempts - 1))
    if attempts > 1 then redis.call('HSET', key, 'retries_left', math.max(0, attempts - 1 - attempt)) end
    requeue(key, id, queue, 0, true)
  end
  log(limit, {
    job_id = id, source_name = description or '', template = template, line = line, attempt = attempt,
    max_attempts = attempts, status = status, message = message, final = final,
  })
end

-- Whether a job whose record is gone had ended, or was deleted: RQ's registries know it for longer.
local function has_ended(id)
  if on('ZSCORE', DELETED, id) then return true end
  for _, state in ipairs(ENDED_IN) do
    for _, queue in ipairs(PRIORITIES) do
      if on('ZSCORE', 'rq:' .. state .. ':' .. SITE .. queue, id) then return true end
    end
  end
  return false
end

-- Take a job away from whoever holds it, by a lease of its own or, if `under` is the token of a claim, by that one's, which `ended` then.
-- What runs under a claim's gets one of its own instead, until `longer`: its first beat may be on its way.
local function reap(id, under, ended, longer)
  local key = 'rq:job:' .. id
  -- fetch: status lb_token origin lb_beaten lb_group from key
  if record.err then error(record.err, 0) end
  if under and status and lb_token ~= under then return end  -- it has been given back, or has ended
  if under and not status and (now_ms - ended > SINCE_REAPED or has_ended(id)) then return end
  -- A lease that was left behind by another tool, or a run before: by now the job is under its claim's.
  local is_left = not (under or lb_beaten or lb_group) and lb_token and on('ZSCORE', BATCHES, lb_token)
  if is_left then return on('ZREM', LEASES, id) end
  local token, queue = lb_token or '', queue_of(origin)
  if not status then
    on('ZREM', LEASES, id)
    log_end(limit, id, 'LOST', GONE)
  elseif is_of_another_site(origin) then
    on('ZREM', LEASES, id)
    log_elsewhere(limit, id, origin)
  elseif status == 'queued' then
    release(key, id, queue, token, '', false)
    put_back(id, queue)
  elseif status == 'started' and under then
    on('ZADD', LEASES, longer, id)
    redis.call('HSET', key, 'lb_beaten', 1)
  elseif status == 'started' then
    lose(id, key, queue, token)
  else
    release(key, id, queue, token, '', false)
  end
end

-- Drop failed jobs whose records have expired, from RQ's registry and from the indexes.
local function drop_failed(registry)
  -- include: unfile
  for _, id in ipairs(on('ZRANGEBYSCORE', registry, '-inf', now, 'LIMIT', 0, most)) do
    unfile(id)
    on('ZREM', registry, id)
  end
end

-- Drop cancelled jobs whose records have expired, of a few: the oldest, and, since each is kept for its own time and by RQ's tools
-- for ever, some others. RQ scores them by when they were cancelled, which does not tell.
local function drop_cancelled(registry)
  local there = on('ZCARD', registry)
  local at = there > 0 and now_ms % there or 0
  for _, first in ipairs({at, 0}) do
    for _, id in ipairs(on('ZRANGE', registry, first, first + CANCELLED_AT_ONCE - 1)) do
      if redis.call('EXISTS', 'rq:job:' .. id) == 0 then on('ZREM', registry, id) end
    end
  end
end

-- Reap a job, or set it aside: a record that no script can read must not keep the others from being reaped.
local function reap_carefully(id, ...)
  local reaped, problem = pcall(reap, id, ...)
  if not reaped then bury(id, limit, 'LOST', problem) end
  return 1
end

-- Reap the jobs of a claim that are still under its lease; return how many were looked at. The last goes back first, so that they
-- stand at the front of their queue in their order.
local function reap_batch(token, ended)
  local ids, more, count = ids_under(on, token)
  for i = #ids, 1, -1 do
    local id = ids[i]
    local is_id = type(id) == 'string' and #id <= LONGEST_ID
    if is_id and not on('ZSCORE', LEASES, id) then reap_carefully(id, token, ended, ended + more) end
  end
  drop_batches(token)
  return count
end

-- Reap the leases that ran out, or give them their grace; return how many jobs and leases were looked at. The last comes first, so
-- that what was claimed earlier goes back to the front of its queue behind it, and stands before it.
local function tend(leases, graceful_until, reap_one)
  local expired = on('ZRANGEBYSCORE', leases, '-inf', now_ms, 'LIMIT', 0, most, 'WITHSCORES')
  local looked_at = 0
  for i = #expired - 1, 1, -2 do
    local member, ended = expired[i], tonumber(expired[i + 1])
    if looked_at >= most then break end
    if now_ms < graceful_until and ended % 1 == 0 then
      redis.call('ZADD', leases, graceful_until + GRACE, member)
    else
      looked_at = looked_at + reap_one(member, ended)
    end
  end
  return looked_at
end

check_rights()
failures = {}
local graceful_until = note_tick()  -- the first write, which a store that refuses writes refuses
local promoted, next_due = 0, -1
local reaped = tend(BATCHES, graceful_until, reap_batch)
if trim == '1' then tend_groups(most) end
for i = FIRST_QUEUE, #ARGV do
  promoted = promoted + promote(ARGV[i])
  if trim == '1' then
    tend_held(ARGV[i])
    on('ZREMRANGEBYSCORE', FINISHED_IN .. ARGV[i], '-inf', now - (lease + SINCE_REAPED) / 1000)  -- see has_ended
    drop_failed(FAILED_IN .. ARGV[i])
    drop_cancelled(CANCELED_IN .. ARGV[i])
    tend_behind(QUEUE .. ARGV[i], ARGV[i])
  end
  next_due = sooner(next_due, on('ZRANGE', SCHEDULED .. ARGV[i], 0, 0, 'WITHSCORES'))
end
reaped = reaped + tend(LEASES, graceful_until, function(id) return reap_carefully(id) end)
local is_due = first_due()
if #failures > 0 or is_due then
  return {promoted, reaped, next_due, now_ms, problem or '', failures, is_due and 1 or 0}
end
return {promoted, reaped, next_due, now_ms, problem}
