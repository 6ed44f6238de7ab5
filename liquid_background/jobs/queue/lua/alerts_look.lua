-- include: time keep elsewhere alerts pauses moment
-- Say that a worker lives that tells of events, keep the lease of the alert that it tells, and, one of all workers in a while,
-- look for what is to be told: failure groups in which jobs have failed, workers that were not heard of, queues that are late.
-- A full store takes this, too.
-- ARGV: worker, host, token of the lease or '', lease in ms, window in ms, ms from which a queue is late or 0, ms after which a
-- worker is gone, the events that this worker tells of, each between blanks.
-- Returns {1 when an alert is due that it tells of, what the store said to a write that is secondary}.
local worker, token, lease, window = ARGV[1] .. ' ' .. ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local late_after, gone_after = tonumber(ARGV[6]), tonumber(ARGV[7])
local REST = 400  -- ms from one look for what is to be told to the next
local AT_ONCE = 100  -- failure groups
local BEHIND_BY = 5000  -- ms by which a job may be filed later than it has failed
local HEADS = 10  -- ids of a queue, of which the first may have stayed behind

-- What failed from when on is told.
local function first_time()
  local since = alert_number(ALERTS, 'since')
  if since > 0 then return since end
  on('HSET', ALERTS, 'since', now_ms, 'cursor', now_ms - 1)
  return now_ms
end

-- Whether a job that has failed was made by an alert. Its payload says so at its end, where no author's values can stand.
local function is_of_an_alert(id)
  local data = redis.pcall('HGET', 'rq:job:' .. id, 'data')
  local tail = string.sub(type(data) == 'string' and data or '', -200)
  return string.find(tail, '"parent":"alert%-[%w-]+"[^{}%[%]]*}%],{}%]$') ~= nil
end

local function event_of(raised)
  return raised == 'LOST' and 'job.lost' or raised == 'REFUSED' and 'job.refused' or 'job.failed'
end

-- Owe an alert for a failure group in which more has failed than was told of.
local function look_at_group(failure, last, since)
  local about, key = FAILURE_ABOUT .. failure, ALERT .. failure
  -- fetch: count raised sample from about
  if record.err or not is_wanted(event_of(raised)) or is_silenced(failure) then return end
  local total = whole(count or nil, 0)
  local seen = whole(on('HGET', key, 'seen') or nil, -1)
  if seen < 0 or seen > total then
    -- Nothing was told of it, or it was forgotten since and began anew.
    local from = math.max(since, now_ms - ALERT_BACK)
    seen = math.max(0, total - math.max(1, on('ZCOUNT', FAILED_GROUP .. failure, from, '+inf')))
    on('HSET', key, 'seen', string.format('%d', seen))
  end
  if total <= seen or last <= alert_number(key, 'left_out_at') or is_of_an_alert(sample or '') then return end
  on('HSET', key, 'event', event_of(raised), 'failure', failure)
  owe(failure)
end

local function look_at_failures()
  local since = first_time()
  local from = math.max(alert_number(ALERTS, 'cursor'), now_ms - ALERT_BACK)
  local rows = on('ZRANGEBYSCORE', FAILURE_GROUPS, '(' .. string.format('%d', from), '+inf', 'WITHSCORES', 'LIMIT', 0, AT_ONCE)
  local last = from
  for i = 1, #rows, 2 do
    last = math.floor(tonumber(rows[i + 1]))
    look_at_group(rows[i], last, since)
  end
  on('HSET', ALERTS, 'cursor', string.format('%d', math.max(from, math.min(last, now_ms - BEHIND_BY))))
end

-- After a time in which nobody looked, as during an outage of the store, those who live get time to be heard.
local function look_at_workers(looked)
  local grace = alert_number(ALERTS, 'grace')
  if now_ms - looked > gone_after / 2 then
    grace = now_ms + gone_after
    on('HSET', ALERTS, 'grace', string.format('%d', grace))
  end
  if now_ms < grace and grace <= now_ms + gone_after then return end
  for _, other in ipairs(on('ZRANGEBYSCORE', ALERT_WORKERS, '-inf', now_ms - gone_after, 'LIMIT', 0, AT_ONCE)) do
    local name, host = string.match(other, '^(.*) (%S*)$')
    local seen = on('ZSCORE', ALERT_WORKERS, other)
    on('ZREM', ALERT_WORKERS, other)
    if name then happened('worker.gone ' .. host, 'worker.gone', 'worker', name, 'host', host, 'seen_at', seen) end
  end
end

-- Since when the first job of a queue has waited that no pause keeps, in ms; nil when none does.
local function waits_since(queue)
  local paused = pauses()
  if paused and (paused.suspended or paused.queue[queue]) then return nil end
  local due = tonumber(on('ZRANGE', SCHEDULED .. queue, 0, 0, 'WITHSCORES')[2])
  local oldest = due and due <= now and due * 1000 or nil
  for _, id in ipairs(on('LRANGE', QUEUE .. queue, 0, HEADS - 1)) do
    local key = 'rq:job:' .. id
    -- fetch: status enqueued_at created_at origin from key
    if not record.err and status == 'queued' and not is_of_another_site(origin) then
      local since = ms_of(enqueued_at or created_at)
      if since and not (paused and paused:has_paused(key)) then return math.min(since, oldest or since) end
    end
  end
  return oldest
end

local function look_at_queues()
  for _, queue in ipairs(late_after > 0 and is_wanted('queue.late') and PRIORITIES or {}) do
    local about, since = 'queue.late ' .. queue, waits_since(queue)
    if since and now_ms - since >= late_after then
      on('HSET', ALERT .. about, 'event', 'queue.late', 'queue', queue, 'count', 1,
        'seconds', string.format('%d', (now_ms - since) / 1000), 'waiting', on('LLEN', QUEUE .. queue))
      owe(about)
    elseif on('ZSCORE', ALERTS_DUE, about) and not on('HGET', ALERT .. about, 'token') then
      on('ZREM', ALERTS_DUE, about)
      forget_telling(ALERT .. about)
    end
  end
end

redis.call('EXPIRE', ALERTS, ALERT_KEPT)  -- first: what follows is taken by a full store, too
on('ZADD', ALERT_WORKERS, now_ms, worker)
for event in string.gmatch(ARGV[8], '%S+') do on('HSET', ALERTS, 'wants ' .. event, now_ms) end
local about = token ~= '' and on('HGET', ALERTS_HELD, token)
if about and on('HGET', ALERT .. about, 'token') == token then on('ZADD', ALERTS_DUE, 'XX', now_ms + lease, about) end
local looked = alert_number(ALERTS, 'looked')
if looked > now_ms or now_ms - looked >= REST then
  on('HSET', ALERTS, 'looked', now_ms, 'window', window)
  look_at_failures()
  look_at_workers(looked)
  look_at_queues()
end
return {first_due(ARGV[8]) and 1 or 0, problem}
