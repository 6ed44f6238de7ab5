-- include: time keep alerts
-- Give the caller the lease of an alert that is due. ARGV: token, lease in ms, the most an hour, the events that it tells of, each
-- between blanks.
-- Returns {'', how many were left out for the most an hour}, or {'taken' or 'given up', that, what it is about, its fields and
-- values, those of its failure group}.
local MOST_LOOKED_AT = 100
local MOST_TAKEN = 10  -- times that one alert is taken, whose processes have died
local HOUR = 3600000
local token, lease, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local OF_TEMPLATE = 'sent of '  -- begins the fields that count what was told of each template this hour
local left_out = 0

-- How many may have been told this hour before one of a failure group begins, none for any other: whoever writes templates
-- that fail in many ways, or many of them, leaves room for those of others, and for what tells of workers and queues.
local function room_for(failure)
  if not failure then return most, nil end
  local template = string.sub(on('HGET', FAILURE_ABOUT .. failure, 'template') or '', 1, 500)
  local is_first = alert_number(ALERTS, OF_TEMPLATE .. template) == 0
  return most - math.floor(most / (is_first and 6 or 3)), OF_TEMPLATE .. template
end

local function begin_hour()
  for _, field in ipairs(on('HKEYS', ALERTS)) do
    if string.sub(field, 1, #OF_TEMPLATE) == OF_TEMPLATE then on('HDEL', ALERTS, field) end
  end
  on('HSET', ALERTS, 'began', now_ms, 'sent', 0)
end

-- Whether one more may be told this hour; it counts then.
local function may_begin(failure)
  local began = alert_number(ALERTS, 'began')
  if began > now_ms or now_ms - began >= HOUR then begin_hour() end
  local sent = alert_number(ALERTS, 'sent')
  local room, field = room_for(failure)
  if sent >= room then return false end
  on('HSET', ALERTS, 'sent', string.format('%d', sent + 1))
  if field then on('HSET', ALERTS, field, 1) end
  return true
end

-- How often it has happened that was not told.
local function count_of(key, failure)
  if not failure then return alert_number(key, 'count') end
  return alert_number(FAILURE_ABOUT .. failure, 'count') - alert_number(key, 'seen')
end

redis.call('EXPIRE', ALERTS, ALERT_KEPT)  -- first: what follows is taken by a full store, too
for _ = 1, MOST_LOOKED_AT do
  local about = first_due(ARGV[4])
  if not about then break end
  local key = ALERT .. about
  local event, failure, id = unpack(on('HMGET', key, 'event', 'failure', 'id'))
  local count = event and count_of(key, failure) or 0
  if count < 1 then
    forget_telling(key)
    on('ZREM', ALERTS_DUE, about)
  elseif not id and not may_begin(failure) then
    left_out = left_out + 1
    on('HSET', ALERTS, 'left_out', string.format('%d', alert_number(ALERTS, 'left_out') + 1))
    on('HSET', key, 'at', now_ms, 'left_out_at', now_ms)
    on('ZREM', ALERTS_DUE, about)
  else
    if not id then
      on('HSET', key, 'id', token .. '-' .. string.format('%d', now_ms), 'taken_at', now_ms,
        'left_out', string.format('%d', alert_number(ALERTS, 'left_out')))
      on('HDEL', ALERTS, 'left_out')
    end
    local taken = alert_number(key, 'taken') + 1
    on('HSET', key, 'taken', string.format('%d', taken), 'token', token, 'telling', string.format('%d', count))
    on('HSET', ALERTS_HELD, token, about)
    on('ZADD', ALERTS_DUE, now_ms + lease, about)
    local word = taken > MOST_TAKEN and 'given up' or 'taken'
    return {word, left_out, about, on('HGETALL', key), failure and on('HGETALL', FAILURE_ABOUT .. failure) or {}}
  end
end
return {'', left_out}
