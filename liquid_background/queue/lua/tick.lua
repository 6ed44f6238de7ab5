-- include: time log enqueue group record
-- Promote delayed jobs that are due and reap leases that ran out. Any worker calls it, and no state is kept between calls.
-- ARGV: log limit, most jobs of each kind, 1 to drop expired ids and slots too, exc_string of a job that
-- is given up, the queues. Returns {promoted, reaped, ms until the next delayed job is due or -1}.
local limit, most, trim, exc = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local MOST_LOSSES = 10  -- whole workers that may die under one run of a job
local GIVEN_UP = 'the worker that ran it died 10 times'

local function promote(queue)
  local from = 'rq:scheduled:' .. queue
  local due = redis.call('ZRANGEBYSCORE', from, '-inf', string.format('%.6f', now), 'LIMIT', 0, most)
  local ready, stamp = 0, iso()
  for _, id in ipairs(due) do
    local key = 'rq:job:' .. id
    local status = redis.pcall('HGET', key, 'status')
    redis.call('ZREM', from, id)
    if status == 'scheduled' then
      redis.call('HSET', key, 'status', 'queued', 'enqueued_at', stamp)
      redis.call('RPUSH', 'rq:queue:' .. queue, id)
      ready = ready + 1
    elseif not status then
      log(limit, {id, '', '', 0, 0, 0, 'LOST', 0, 'its record is gone: deleted, expired or evicted by the store', 'job', 1})
    end
  end
  if ready > 0 then wake(queue, ready) end
  return #due
end

local function lose(id, key, record)
  local queue, token, worker, attempt = record[3] or '', record[2] or '', record[5] or '', number(record[4], 1)
  local attempts = #waits_of(record[8]) + 1
  local template, line = place_of(record[9])
  local message, status, final = 'worker ' .. worker .. ' died or lost the store', 'LOST', 0
  local losses = number(record[11], 0) + 1
  release(key, id, queue, token, worker, record[6])
  if record[7] then
    close_cancelled(key, id, queue, number(record[10], 2592000))
    status, final = 'CANCELLED', 1
  elseif losses >= MOST_LOSSES then
    message, final = GIVEN_UP, 1
    fail(key, id, queue, token, worker, message, exc, number(record[10], 2592000))
  else
    -- Better twice than never: the job runs again even when this was its last attempt, which then counts once.
    redis.call('HSET', key, 'lb_losses', losses, 'lb_error', message, 'lb_attempt', math.min(attempt, attempts - 1))
    if attempts > 1 then redis.call('HSET', key, 'retries_left', math.max(0, attempts - 1 - attempt)) end
    requeue(key, id, queue, 0, true)
  end
  log(limit, {id, record[12] or '', template, line, attempt, attempts, status, 0, message, 'job', final})
end

local function reap(id)
  local key = 'rq:job:' .. id
  local record = redis.call('HMGET', key, 'status', 'lb_token', 'origin', 'lb_attempt', 'worker_name', 'lb_beaten',
    'lb_cancel', 'retry_intervals', 'data', 'failure_ttl', 'lb_losses', 'description')
  local status, token, queue = record[1], record[2] or '', record[3] or ''
  if not status then
    redis.call('ZREM', 'liquid_background:leases', id)
    log(limit, {id, '', '', 0, 0, 0, 'LOST', 0, 'its record is gone: deleted, expired or evicted by the store', 'job', 1})
  elseif status == 'queued' then
    release(key, id, queue, token, '', false)
    requeue(key, id, queue, 0, true)
  elseif status == 'started' then
    lose(id, key, record)
  else
    release(key, id, queue, token, '', false)
  end
end

local promoted, next_due = 0, -1
if trim == '1' then tend_groups(most) end
for i = 5, #ARGV do
  promoted = promoted + promote(ARGV[i])
  if trim == '1' then
    redis.call('ZREMRANGEBYSCORE', 'rq:finished:' .. ARGV[i], '-inf', now)
    redis.call('ZREMRANGEBYSCORE', 'rq:failed:' .. ARGV[i], '-inf', now)
  end
  local first = redis.call('ZRANGE', 'rq:scheduled:' .. ARGV[i], 0, 0, 'WITHSCORES')
  if first[2] then
    local wait = math.max(0, math.ceil((tonumber(first[2]) - now) * 1000))
    if next_due < 0 or wait < next_due then next_due = wait end
  end
end
local expired = redis.call('ZRANGEBYSCORE', 'liquid_background:leases', '-inf', now_ms, 'LIMIT', 0, most)
for _, id in ipairs(expired) do
  local reaped, problem = pcall(reap, id)
  if not reaped then
    -- A record that no script can read must not keep the others from being reaped.
    redis.call('ZREM', 'liquid_background:leases', id)
    log(limit, {id, '', '', 0, 0, 0, 'LOST', 0, 'its record is garbage: ' .. tostring(problem), 'job', 1})
  end
end
return {promoted, #expired, next_due}
