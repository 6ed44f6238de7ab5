-- include: alerts
-- Note that a time of a schedule has passed for which no worker was there to enqueue its job; not of one that was paused then.
-- `enqueued` is the last time that was enqueued, `previous` the last one that has come. It is secondary to the move.
local function missed(name, enqueued, previous)
  local passed = math.max(enqueued, whole(on('HGET', SCHEDULES_PASSED, name) or nil, 0))
  on('HDEL', SCHEDULES_PASSED, name)
  if enqueued > 0 and passed < previous and redis.call('EXISTS', ALERTS) == 1 then
    happened('schedule.missed ' .. name, 'schedule.missed', 'schedule', name, 'missed_at', string.format('%d', previous * 1000),
      'after', string.format('%d', enqueued * 1000))
  end
end

local function note_missed(name, enqueued, previous)
  local noted, why = pcall(missed, name, enqueued, previous)
  if not noted then problem = type(why) == 'table' and why.err or tostring(why) end
end
