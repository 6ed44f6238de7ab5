-- include: time keep rights log enqueue group record withdraw audit
-- Pause a schedule, or go on with it. ARGV: its name, 1 to pause it, and by whom.
-- Returns 1 when that changed anything. A job that waits for the next time is taken back; times that pass do not come again.
local MOST_PAUSED = 1000
local name, by = ARGV[1], ARGV[3]
check_rights()
if ARGV[2] == '' then
  local was_paused = on('HDEL', SCHEDULES_PAUSED, name)
  if was_paused == 1 then audit(by, 'resume', 'schedule ' .. name) end
  return was_paused
end
if on('HGET', SCHEDULES_PAUSED, name) then return 0 end
if on('HLEN', SCHEDULES_PAUSED) >= MOST_PAUSED then error({err = 'as many schedules are paused as can be'}) end
redis.call('HSET', SCHEDULES_PAUSED, name, cjson.encode({since = now_ms, by = by}))
hold_back(name)
audit(by, 'pause', 'schedule ' .. name)
return 1
