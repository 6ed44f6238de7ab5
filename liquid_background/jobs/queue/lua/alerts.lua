-- Alerts: what is to be told to people. Of each there is a hash, by the failure group or by what it is about, with when it was
-- told last (`at`) and what has not been told; ALERTS_DUE has those that are to be told. ALERTS is there while workers tell.
local ALERT_KEPT = 2592000  -- seconds that an alert is remembered, and that ALERTS outlives the last worker that tells
local ALERT_BACK = 86400000  -- ms: what happened before that is nobody's news
local LONGEST_WINDOW = 604800000  -- ms

local function alert_number(key, field)
  return whole(on('HGET', key, field) or nil, 0)
end

-- Forget how far an alert was told: the next one begins anew.
local function forget_telling(key)
  on('HDEL', key, 'token', 'id', 'taken', 'taken_at', 'telling', 'tries', 'told', 'begins', 'left_out')
end

-- Whether a worker tells of an event, or did not long ago: what happens while none is there is told later.
local function is_wanted(event)
  local at = alert_number(ALERTS, 'wants ' .. event)
  return at > 0 and now_ms - at < ALERT_BACK
end

-- Whether somebody has silenced a failure group for now.
local function is_silenced(failure)
  local at, until_ms = unpack(on('HMGET', FAILURE_ABOUT .. failure, 'silenced_at', 'silenced_until'))
  return at and now_ms < whole(until_ms, math.huge)
end

-- Have an alert told: now, or when the window after the one before is over.
local function owe(about)
  local window = math.min(alert_number(ALERTS, 'window'), LONGEST_WINDOW)
  local at = math.min(alert_number(ALERT .. about, 'at'), now_ms)
  on('HSETNX', ALERT .. about, 'begins', now_ms)
  on('ZADD', ALERTS_DUE, 'NX', at == 0 and now_ms or math.max(now_ms, at + window), about)
  on('EXPIRE', ALERT .. about, ALERT_KEPT)
end

-- Note that something happened that no failure group counts. Further arguments are fields and values that tell of it.
local function happened(about, event, ...)
  if not is_wanted(event) then return end
  local key = ALERT .. about
  on('HSET', key, 'event', event, 'count', string.format('%d', alert_number(key, 'count') + 1), ...)
  owe(about)
end

-- Return the first alert that is due of those events, each between blanks: others are left to workers that tell of them. What
-- seems to be due later than any window was written before the clock jumped.
local function first_due(events)
  local MOST = 100
  local rows = on('ZRANGEBYSCORE', ALERTS_DUE, '-inf', now_ms, 'LIMIT', 0, MOST)
  if not rows[1] then rows = on('ZRANGEBYSCORE', ALERTS_DUE, now_ms + LONGEST_WINDOW, '+inf', 'LIMIT', 0, MOST) end
  for _, about in ipairs(rows) do
    local event = on('HGET', ALERT .. about, 'event')
    if not event or string.find(events, ' ' .. event .. ' ', 1, true) then return about end
  end
  return nil
end
