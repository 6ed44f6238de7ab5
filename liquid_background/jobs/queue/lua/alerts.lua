-- Alerts: what is to be told to people. Of each there is a hash, by the failure group or by what it is about, with when it was
-- told last (`at`) and what has not been told; ALERTS_DUE has those that are to be told. ALERTS is there while workers tell.
local ALERT_KEPT = 2592000  -- seconds that an alert is remembered, and that ALERTS outlives the last worker that tells
local LONGEST_WINDOW = 604800000  -- ms

local function alert_number(key, field)
  return whole(on('HGET', key, field) or nil, 0)
end

-- Whether anybody is told of an event.
local function is_wanted(event)
  return string.find(on('HGET', ALERTS, 'wanted') or '', ' ' .. event .. ' ', 1, true) ~= nil
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
